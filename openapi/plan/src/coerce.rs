//! Parameters are text; schemas want numbers and booleans. These are ajv's rules for `coerceTypes: true`.

use std::borrow::Cow;

use crate::json::Json;
use crate::number;
use crate::schema::Kind;

/// The value as the first of the types it can become, `None` when it can become none of them.
pub(crate) fn coerced(value: &Json<'_>, types: &[Kind]) -> Option<Json<'static>> {
    types.iter().find_map(|kind| match kind {
        Kind::String => to_string(value),
        Kind::Number => to_number(value),
        Kind::Integer => to_number(value).filter(is_whole),
        Kind::Boolean => to_boolean(value),
        Kind::Null => to_null(value),
        Kind::Array | Kind::Object => None,
    })
}

fn to_string(value: &Json<'_>) -> Option<Json<'static>> {
    let text: Cow<'static, str> = match value {
        Json::Number(number) => Cow::Owned(number::to_text(*number)),
        Json::Exact(text) => Cow::Owned(text.clone().into_owned()),
        Json::Bool(true) => Cow::Borrowed("true"),
        Json::Bool(false) => Cow::Borrowed("false"),
        Json::Null => Cow::Borrowed(""),
        Json::String(_) | Json::Array(_) | Json::Object(_) => return None,
    };
    Some(Json::String(text))
}

fn to_number(value: &Json<'_>) -> Option<Json<'static>> {
    let number = match value {
        Json::Bool(truth) => f64::from(u8::from(*truth)),
        Json::Null => 0.0,
        Json::String(text) if !text.is_empty() => number::from_text(text)?,
        _ => return None,
    };
    Some(Json::Number(number))
}

/// JavaScript's `!(x % 1)`, by which an infinite number is whole.
fn is_whole(value: &Json<'static>) -> bool {
    matches!(value, Json::Number(number) if number.is_infinite() || number.fract() == 0.0)
}

fn to_boolean(value: &Json<'_>) -> Option<Json<'static>> {
    match value {
        Json::Null => Some(Json::Bool(false)),
        Json::String(text) if text == "false" => Some(Json::Bool(false)),
        Json::String(text) if text == "true" => Some(Json::Bool(true)),
        Json::Number(0.0) => Some(Json::Bool(false)),
        Json::Number(1.0) => Some(Json::Bool(true)),
        _ => None,
    }
}

fn to_null(value: &Json<'_>) -> Option<Json<'static>> {
    let empty = match value {
        Json::String(text) => text.is_empty(),
        Json::Number(number) => *number == 0.0,
        Json::Bool(truth) => !truth,
        _ => false,
    };
    empty.then_some(Json::Null)
}
