//! The trade service: 250 fixed trades and what is created on top of them, in memory.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;
use serde_json::{Map, Value};

use crate::answer::{Answer, KEPT, Query, fingerprint, object, page};
use crate::time::{self, NOW};

/// 2024-03-01T00:00:00Z, when the first trade was an hour away.
const FIRST_DAY: i64 = 1_709_251_200;

/// A trade as the contract has it.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
struct Trade {
    id: String,
    r#type: String,
    symbol: String,
    side: String,
    quantity: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    limit_price: Option<f64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_price: Option<f64>,
    client_ref: Option<String>,
    status: String,
    created_at: String,
}

impl Trade {
    fn seed(number: u32) -> Self {
        let pick = |names: &[&str]| names[number as usize % names.len()].to_owned();
        let kind = pick(&["market", "limit", "stop"]);
        let price = 100.25 + f64::from(number);
        Self {
            id: format!("trd_{number:012}"),
            limit_price: (kind == "limit").then_some(price),
            stop_price: (kind == "stop").then_some(price),
            r#type: kind,
            symbol: pick(&["ACME", "GLOBEX", "INITECH", "HOOLI"]),
            side: pick(&["buy", "sell"]),
            quantity: i64::from(number) * 37 % 1_000 + 1,
            client_ref: number.is_multiple_of(7).then(|| format!("ref-{number}")),
            status: pick(&["filled", "open", "open", "cancelled", "filled"]),
            created_at: time::format(FIRST_DAY + i64::from(number) * 3_600),
        }
    }

    /// A new trade from an order; the gateway has checked the order, so that a missing member is merely empty.
    fn place(id: String, order: &Map<String, Value>) -> Self {
        let text = |name: &str| order.get(name).and_then(Value::as_str).map(ToOwned::to_owned);
        let number = |name: &str| order.get(name).and_then(Value::as_f64);
        Self {
            id,
            r#type: text("type").unwrap_or_default(),
            symbol: text("symbol").unwrap_or_default(),
            side: text("side").unwrap_or_default(),
            quantity: order.get("quantity").and_then(Value::as_i64).unwrap_or_default(),
            limit_price: number("limitPrice"),
            stop_price: number("stopPrice"),
            client_ref: text("clientRef"),
            status: "open".to_owned(),
            created_at: NOW.to_owned(),
        }
    }
}

/// All trades.
#[derive(Debug)]
pub(crate) struct Trades {
    trades: BTreeMap<String, Trade>,
    created: VecDeque<String>,
}

impl Default for Trades {
    fn default() -> Self {
        let trades = (1..=250).map(Trade::seed).map(|trade| (trade.id.clone(), trade)).collect();
        Self { trades, created: VecDeque::new() }
    }
}

impl Trades {
    /// `listTrades`: newest first.
    pub(crate) fn list(&self, query: &Query) -> Answer {
        let statuses: Vec<_> = query.all("status").collect();
        let from = query.first("from").and_then(time::parse);
        let least: Option<f64> = query.first("minQuantity").and_then(|text| text.parse().ok());
        let mut found: Vec<&Trade> = self
            .trades
            .values()
            .filter(|trade| statuses.is_empty() || statuses.contains(&trade.status.as_str()))
            .filter(|trade| query.first("symbol").is_none_or(|symbol| symbol == trade.symbol))
            .filter(|trade| from.is_none_or(|from| time::parse(&trade.created_at) >= Some(from)))
            .filter(|trade| least.is_none_or(|least| trade.quantity as f64 >= least))
            .collect();
        found.sort_by(|a, b| (&b.created_at, &b.id).cmp(&(&a.created_at, &a.id)));
        let fields: Option<Vec<_>> = query.first("fields").map(|names| names.split(',').collect());
        page(found.into_iter().map(|trade| select(trade, fields.as_deref())).collect(), query)
    }

    /// `createTrade`: the same `Idempotency-Key` is the same trade, however often it is sent.
    pub(crate) fn create(&mut self, key: &str, body: &[u8]) -> Answer {
        let order = match object(body) {
            Ok(order) => order,
            Err(refusal) => return refusal,
        };
        let id = format!("trd_{:012x}", fingerprint(key.as_bytes()) >> 16);
        if !self.trades.contains_key(&id) {
            self.trades.insert(id.clone(), Trade::place(id.clone(), &order));
            self.created.push_back(id.clone());
            if self.created.len() > KEPT
                && let Some(oldest) = self.created.pop_front()
            {
                self.trades.remove(&oldest);
            }
        }
        self.trades
            .get(&id)
            .map_or_else(no_such_trade, |trade| Answer::created(format!("/v1/trade/{id}"), trade))
    }

    /// `getTrade`
    pub(crate) fn get(&self, id: &str) -> Answer {
        self.trades.get(id).map_or_else(no_such_trade, Answer::ok)
    }

    /// `cancelTrade`: only an open trade can be cancelled.
    pub(crate) fn cancel(&mut self, id: &str) -> Answer {
        match self.trades.get_mut(id) {
            None => no_such_trade(),
            Some(trade) if trade.status != "open" => {
                Answer::refused(409, &format!("trade is {}, not open", trade.status))
            }
            Some(trade) => {
                "cancelled".clone_into(&mut trade.status);
                Answer::ok(trade)
            }
        }
    }
}

fn no_such_trade() -> Answer {
    Answer::refused(404, "no such trade")
}

fn select(trade: &Trade, fields: Option<&[&str]>) -> Value {
    let mut value = serde_json::to_value(trade).unwrap_or_default();
    if let (Some(fields), Value::Object(members)) = (fields, &mut value) {
        members.retain(|name, _| fields.contains(&name.as_str()));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(query: &str) -> Value {
        Trades::default().list(&Query::parse(query)).body
    }

    #[test]
    fn a_listing_is_newest_first_and_paged() {
        let page = listed("limit=2&offset=1");
        assert_eq!(page["total"], 250);
        assert_eq!(page["items"][0]["id"], "trd_000000000249");
        assert_eq!(page["items"].as_array().unwrap().len(), 2);
        assert_eq!(listed("")["items"].as_array().unwrap().len(), 20);
    }

    #[test]
    fn filters_narrow_a_listing() {
        let all = listed("limit=100&status=open&status=filled&symbol=ACME&minQuantity=500.5");
        assert!(all["total"].as_u64().unwrap() > 0);
        for trade in all["items"].as_array().unwrap() {
            assert_ne!(trade["status"], "cancelled");
            assert_eq!(trade["symbol"], "ACME");
            assert!(trade["quantity"].as_i64().unwrap() > 500);
        }
        assert_eq!(listed("from=2024-03-11T10:00:00%2B01:00")["total"], 250 - 248);
    }

    #[test]
    fn fields_are_selected() {
        let page = listed("fields=id,status&limit=1");
        assert_eq!(page["items"][0], serde_json::json!({ "id": "trd_000000000250", "status": "filled" }));
    }

    #[test]
    fn the_same_key_is_the_same_trade() {
        let mut trades = Trades::default();
        let order = br#"{"type":"limit","symbol":"ACME","side":"buy","quantity":3,"limitPrice":9.5}"#;
        let first = trades.create("5f0c2f1e-8a41-4f0e-9d0e-1d7c1a1f0a11", order);
        assert_eq!((first.status, &first.body["limitPrice"]), (201, &serde_json::json!(9.5)));
        assert_eq!(trades.create("5f0c2f1e-8a41-4f0e-9d0e-1d7c1a1f0a11", order), first);
        assert_eq!(Trades::default().create("5f0c2f1e-8a41-4f0e-9d0e-1d7c1a1f0a11", order), first);
        let id = first.body["id"].as_str().unwrap();
        assert_eq!(first.location.as_deref(), Some(format!("/v1/trade/{id}").as_str()));
        assert_eq!(trades.get(id).body, first.body);
    }

    #[test]
    fn only_an_open_trade_is_cancelled_and_only_once() {
        let mut trades = Trades::default();
        assert_eq!(trades.cancel("trd_000000000001").body["status"], "cancelled");
        assert_eq!(trades.cancel("trd_000000000001").status, 409);
        assert_eq!(trades.cancel("trd_000000000005").body["message"], "trade is filled, not open");
        assert_eq!(trades.cancel("trd_ffffffffffff").status, 404);
    }

    #[test]
    fn memory_is_bounded() {
        let mut trades = Trades::default();
        for key in 0..KEPT + 50 {
            trades.create(&key.to_string(), b"{}");
        }
        assert_eq!(trades.trades.len(), 250 + KEPT);
    }
}
