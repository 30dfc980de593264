//! Which operation of the contract a request is for, and which of the two services has it.

use std::fmt;

use percent_encoding::percent_decode_str;

/// One of the two services behind the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Service {
    /// `/v1/trade`
    Trade,
    /// `/v1/task`
    Task,
}

impl Service {
    /// The name used in flags, in the ready line and in fault scopes.
    pub fn name(self) -> &'static str {
        match self {
            Self::Trade => "trade",
            Self::Task => "task",
        }
    }
}

/// An operation of the contract that a service (not the gateway itself) answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names are the contract's operation ids")]
pub(crate) enum Operation {
    ListTrades,
    CreateTrade,
    GetTrade,
    CancelTrade,
    ListTasks,
    CreateTask,
    GetTask,
    UpdateTask,
    CompleteTask,
}

impl Operation {
    /// Every operation, in the contract's order.
    pub(crate) const ALL: [Self; 9] = [
        Self::ListTrades,
        Self::CreateTrade,
        Self::GetTrade,
        Self::CancelTrade,
        Self::ListTasks,
        Self::CreateTask,
        Self::GetTask,
        Self::UpdateTask,
        Self::CompleteTask,
    ];

    /// The contract's `operationId`.
    pub(crate) fn id(self) -> &'static str {
        match self {
            Self::ListTrades => "listTrades",
            Self::CreateTrade => "createTrade",
            Self::GetTrade => "getTrade",
            Self::CancelTrade => "cancelTrade",
            Self::ListTasks => "listTasks",
            Self::CreateTask => "createTask",
            Self::GetTask => "getTask",
            Self::UpdateTask => "updateTask",
            Self::CompleteTask => "completeTask",
        }
    }

    /// The service that answers it.
    pub(crate) fn service(self) -> Service {
        match self {
            Self::ListTrades | Self::CreateTrade | Self::GetTrade | Self::CancelTrade => Service::Trade,
            Self::ListTasks | Self::CreateTask | Self::GetTask | Self::UpdateTask | Self::CompleteTask => {
                Service::Task
            }
        }
    }

    /// The operation of that id, if there is one.
    pub(crate) fn from_id(id: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.id() == id)
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.id())
    }
}

/// A request's operation and the resource its path names (empty for a collection).
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Call {
    /// What is asked for.
    pub(crate) operation: Operation,
    /// The percent-decoded id in the path.
    pub(crate) resource: String,
}

/// Finds the operation of `service` for a method and a path without its query.
pub(crate) fn resolve(service: Service, method: &str, path: &str) -> Option<Call> {
    let (prefix, collection): (_, &[(&str, Operation)]) = match service {
        Service::Trade => ("/v1/trade", &[("GET", Operation::ListTrades), ("POST", Operation::CreateTrade)]),
        Service::Task => ("/v1/task", &[("GET", Operation::ListTasks), ("POST", Operation::CreateTask)]),
    };
    let rest = path.strip_prefix(prefix)?;
    if rest.is_empty() {
        let (_, operation) = collection.iter().find(|(verb, _)| *verb == method)?;
        return Some(Call { operation: *operation, resource: String::new() });
    }
    let mut segments = rest.strip_prefix('/')?.split('/');
    let id = segments.next()?;
    let operation = match (service, method, segments.next(), segments.next()) {
        (Service::Trade, "GET", None, None) => Operation::GetTrade,
        (Service::Trade, "DELETE", None, None) => Operation::CancelTrade,
        (Service::Task, "GET", None, None) => Operation::GetTask,
        (Service::Task, "PATCH", None, None) => Operation::UpdateTask,
        (Service::Task, "POST", Some("complete"), None) => Operation::CompleteTask,
        _ => return None,
    };
    Some(Call { operation, resource: percent_decode_str(id).decode_utf8_lossy().into_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_operation_is_found_by_method_and_path() {
        let cases = [
            ("GET", "/v1/trade", Operation::ListTrades, ""),
            ("POST", "/v1/trade", Operation::CreateTrade, ""),
            ("GET", "/v1/trade/trd_1", Operation::GetTrade, "trd_1"),
            ("DELETE", "/v1/trade/trd%5F1", Operation::CancelTrade, "trd_1"),
            ("GET", "/v1/task", Operation::ListTasks, ""),
            ("POST", "/v1/task", Operation::CreateTask, ""),
            ("GET", "/v1/task/7", Operation::GetTask, "7"),
            ("PATCH", "/v1/task/7", Operation::UpdateTask, "7"),
            ("POST", "/v1/task/7/complete", Operation::CompleteTask, "7"),
        ];
        for (method, path, operation, resource) in cases {
            let call = resolve(operation.service(), method, path);
            assert_eq!(call, Some(Call { operation, resource: resource.to_owned() }), "{method} {path}");
        }
    }

    #[test]
    fn what_the_service_does_not_have_is_not_found() {
        assert_eq!(resolve(Service::Trade, "GET", "/v1/task"), None);
        assert_eq!(resolve(Service::Trade, "PUT", "/v1/trade"), None);
        assert_eq!(resolve(Service::Trade, "GET", "/v1/trades"), None);
        assert_eq!(resolve(Service::Task, "POST", "/v1/task/7/complete/now"), None);
        assert_eq!(resolve(Service::Task, "GET", "/v1/task/7/complete"), None);
    }
}
