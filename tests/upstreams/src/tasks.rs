//! The task service: 120 fixed tasks and what is created on top of them, in memory.

use std::cmp::Ordering;
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::answer::{Answer, KEPT, Query, fingerprint, object, page};
use crate::time::{self, NOW};

/// 2024-05-01T00:00:00Z, when the first task was created.
const FIRST_DAY: i64 = 1_714_521_600;

/// Created tasks have ids from here on, below 2^53 so that JavaScript reads them exactly.
const CREATED_FROM: u64 = 1_000_000;

/// A task as the contract has it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Task {
    id: u64,
    title: String,
    description: Option<String>,
    priority: String,
    state: String,
    due_at: Option<String>,
    labels: Vec<String>,
    assignee: Option<String>,
    trade_id: Option<String>,
    created_at: String,
    completed_at: Option<String>,
}

impl Task {
    fn seed(number: u32) -> Self {
        let pick = |names: &[&str]| names[number as usize % names.len()].to_owned();
        let every = |step: u32| number.is_multiple_of(step);
        let state = pick(&["done", "todo", "todo", "doing"]);
        let hour = 3_600 * i64::from(number);
        Self {
            id: u64::from(number),
            title: pick(&["Check settlement of ACME", "Prüfe Abrechnung – GLOBEX", "Call the client back"]),
            description: every(4).then(|| format!("Raised by rule {number}.")),
            priority: pick(&["normal", "high", "low"]),
            due_at: (!every(6)).then(|| time::format(FIRST_DAY + hour * 12)),
            labels: if every(5) { Vec::new() } else { vec![pick(&["settlement", "client", "risk-2"])] },
            assignee: every(2).then(|| "ada@example.com".to_owned()),
            trade_id: every(3).then(|| format!("trd_{number:012}")),
            created_at: time::format(FIRST_DAY + hour),
            completed_at: (state == "done").then(|| time::format(FIRST_DAY + hour * 2)),
            state,
        }
    }

    /// A new task; the gateway has checked the body, so that a missing member is merely empty.
    fn open(id: u64, body: &Map<String, Value>) -> Self {
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let labels = body.get("labels").and_then(Value::as_array).into_iter().flatten();
        Self {
            id,
            title: text("title").unwrap_or_default(),
            description: text("description"),
            priority: text("priority").unwrap_or_default(),
            state: "todo".to_owned(),
            due_at: text("dueAt"),
            labels: labels.filter_map(Value::as_str).map(ToOwned::to_owned).collect(),
            assignee: text("assignee"),
            trade_id: text("tradeId"),
            created_at: NOW.to_owned(),
            completed_at: None,
        }
    }

    /// Applies a merge patch (RFC 7396) to the members that the contract lets a client change.
    fn patch(&mut self, patch: &Map<String, Value>) {
        let text = |value: &Value| value.as_str().map(ToOwned::to_owned);
        for (name, value) in patch {
            match (name.as_str(), text(value)) {
                ("title", Some(title)) => self.title = title,
                ("priority", Some(priority)) => self.priority = priority,
                ("state", Some(state)) => self.state = state,
                ("description", description) => self.description = description,
                ("dueAt", due) => self.due_at = due,
                ("assignee", assignee) => self.assignee = assignee,
                _ => {}
            }
        }
    }

    /// Most urgent first: priority, then the earlier due date (none is last), then the older task.
    fn urgency(&self, other: &Self) -> Ordering {
        fn rank(priority: &str) -> u8 {
            match priority {
                "high" => 0,
                "normal" => 1,
                _ => 2,
            }
        }
        let due = |task: &Self| task.due_at.as_deref().and_then(time::parse).unwrap_or(i64::MAX);
        (rank(&self.priority), due(self), self.id).cmp(&(rank(&other.priority), due(other), other.id))
    }
}

/// All tasks.
#[derive(Debug)]
pub(crate) struct Tasks {
    tasks: BTreeMap<u64, Task>,
    created: VecDeque<u64>,
}

impl Default for Tasks {
    fn default() -> Self {
        let tasks = (1..=120).map(Task::seed).map(|task| (task.id, task)).collect();
        Self { tasks, created: VecDeque::new() }
    }
}

impl Tasks {
    /// `listTasks`: most urgent first.
    pub(crate) fn list(&self, query: &Query) -> Answer {
        let labels: Vec<_> = query.all("label").collect();
        let before = query.first("dueBefore").and_then(time::parse_date);
        let overdue = query.first("overdue").map(|text| text == "true");
        let due = |task: &Task| task.due_at.as_deref().and_then(time::parse);
        let late =
            |task: &Task| task.state != "done" && due(task).is_some_and(|at| Some(at) < time::parse(NOW));
        let mut found: Vec<&Task> = self
            .tasks
            .values()
            .filter(|task| query.first("state").is_none_or(|state| state == task.state))
            .filter(|task| labels.is_empty() || task.labels.iter().any(|own| labels.contains(&own.as_str())))
            .filter(|task| before.is_none_or(|before| due(task).is_some_and(|at| at < before)))
            .filter(|task| overdue.is_none_or(|wanted| wanted == late(task)))
            .collect();
        found.sort_by(|a, b| a.urgency(b));
        page(found.into_iter().map(|task| serde_json::to_value(task).unwrap_or_default()).collect(), query)
    }

    /// `createTask`: the same body is the same task.
    pub(crate) fn create(&mut self, body: &[u8]) -> Answer {
        let members = match object(body) {
            Ok(members) => members,
            Err(refusal) => return refusal,
        };
        let id = CREATED_FROM + fingerprint(body) % 1_000_000_000;
        if let Entry::Vacant(free) = self.tasks.entry(id) {
            free.insert(Task::open(id, &members));
            self.created.push_back(id);
            if self.created.len() > KEPT
                && let Some(oldest) = self.created.pop_front()
            {
                self.tasks.remove(&oldest);
            }
        }
        self.tasks.get(&id).map_or_else(no_such_task, |task| Answer::created(format!("/v1/task/{id}"), task))
    }

    /// `getTask`
    pub(crate) fn get(&self, id: &str) -> Answer {
        id.parse().ok().and_then(|id: u64| self.tasks.get(&id)).map_or_else(no_such_task, Answer::ok)
    }

    /// `updateTask`: a task that is done does not change any more.
    pub(crate) fn update(&mut self, id: &str, body: &[u8]) -> Answer {
        let patch = match object(body) {
            Ok(patch) => patch,
            Err(refusal) => return refusal,
        };
        self.change(id, |task| task.patch(&patch))
    }

    /// `completeTask`: a task is completed once. The optional note is taken and not kept.
    pub(crate) fn complete(&mut self, id: &str) -> Answer {
        self.change(id, |task| {
            "done".clone_into(&mut task.state);
            task.completed_at = Some(NOW.to_owned());
        })
    }

    fn change(&mut self, id: &str, change: impl FnOnce(&mut Task)) -> Answer {
        match id.parse().ok().and_then(|id: u64| self.tasks.get_mut(&id)) {
            None => no_such_task(),
            Some(task) if task.state == "done" => Answer::refused(409, "task is done"),
            Some(task) => {
                change(task);
                Answer::ok(task)
            }
        }
    }
}

fn no_such_task() -> Answer {
    Answer::refused(404, "no such task")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(query: &str) -> Value {
        Tasks::default().list(&Query::parse(query)).body
    }

    #[test]
    fn a_listing_is_most_urgent_first() {
        let page = listed("limit=100");
        assert_eq!(page["total"], 120);
        let priorities: Vec<_> =
            page["items"].as_array().unwrap().iter().map(|t| t["priority"].as_str().unwrap()).collect();
        assert_eq!(priorities[..40], ["high"; 40]);
        assert_eq!(priorities[40..80], ["normal"; 40]);
    }

    #[test]
    fn filters_narrow_a_listing() {
        for (query, check) in [
            ("state=doing", (|t| t["state"] == "doing") as fn(&Value) -> bool),
            ("label=client&label=risk-2", |t| {
                t["labels"] == serde_json::json!(["client"]) || t["labels"] == serde_json::json!(["risk-2"])
            }),
            ("dueBefore=2024-05-03", |t| t["dueAt"].as_str().unwrap() < "2024-05-03"),
            ("overdue=true", |t| t["dueAt"].as_str().unwrap() < NOW && t["state"] != "done"),
        ] {
            let page = listed(query);
            let items = page["items"].as_array().unwrap();
            assert!(!items.is_empty() && page["total"].as_u64().unwrap() < 120, "{query}: {page}");
            assert!(items.iter().all(check), "{query}: {page}");
        }
    }

    #[test]
    fn the_same_body_is_the_same_task() {
        let body = br#"{"title":"Settle","priority":"high","labels":["acme"],"assignee":null}"#;
        let mut tasks = Tasks::default();
        let first = tasks.create(body);
        assert_eq!((first.status, &first.body["state"]), (201, &Value::from("todo")));
        assert_eq!(tasks.create(body), first);
        assert_eq!(Tasks::default().create(body), first);
        assert_eq!(tasks.get(&first.body["id"].to_string()).body, first.body);
        assert_ne!(tasks.create(br#"{"title":"Settle","priority":"low"}"#).body["id"], first.body["id"]);
    }

    #[test]
    fn a_merge_patch_changes_what_it_names_and_null_clears() {
        let mut tasks = Tasks::default();
        let before = tasks.get("2").body;
        let after = tasks.update("2", br#"{"priority":"low","dueAt":null}"#).body;
        assert_eq!((&after["priority"], &after["dueAt"]), (&Value::from("low"), &Value::Null));
        assert_eq!((&after["title"], &after["assignee"]), (&before["title"], &before["assignee"]));
    }

    #[test]
    fn a_done_task_stays_as_it_is() {
        let mut tasks = Tasks::default();
        assert_eq!(tasks.complete("1").body["completedAt"], NOW);
        assert_eq!(tasks.complete("1").status, 409);
        assert_eq!(tasks.update("4", b"{}").status, 409);
        assert_eq!(tasks.update("4000", b"{}").status, 404);
        assert_eq!(tasks.complete("1.0").status, 404);
    }
}
