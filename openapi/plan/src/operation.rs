//! What an operation requires of a request: its parameters and its body.

use serde::Serialize;

use crate::schema::{SchemaId, is_default};

/// What one operation requires of a request.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Operation {
    /// Query parameters, in the order in which they are checked and their defaults appended.
    #[serde(skip_serializing_if = "is_default")]
    pub query: Vec<Parameter>,
    /// Header parameters; names in lower case.
    #[serde(skip_serializing_if = "is_default")]
    pub headers: Vec<Parameter>,
    /// Path parameters.
    #[serde(skip_serializing_if = "is_default")]
    pub path: Vec<Parameter>,
    /// Query parameters that nobody declared are let through.
    #[serde(skip_serializing_if = "is_default")]
    pub open_query: bool,
    /// Query parameters that carry credentials: known, but not checked.
    #[serde(skip_serializing_if = "is_default")]
    pub credentials: Vec<String>,
    /// The request body; `None`: whatever comes is forwarded unread.
    #[serde(skip_serializing_if = "is_default")]
    pub body: Option<Body>,
}

/// One parameter.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// Whether it must be there.
    #[serde(skip_serializing_if = "is_default")]
    pub required: bool,
    /// Its schema; `None` when every value is valid.
    #[serde(skip_serializing_if = "is_default")]
    pub schema: Option<SchemaId>,
    /// How its text becomes a value.
    #[serde(skip_serializing_if = "is_default")]
    pub style: Style,
    /// The text may hold reserved characters (`:/?#[]@!$&'()*+,;=`) that are not percent-encoded.
    #[serde(skip_serializing_if = "is_default")]
    pub allow_reserved: bool,
    /// `name=` is a value and not a mistake.
    #[serde(skip_serializing_if = "is_default")]
    pub allow_empty: bool,
    /// There is a default, so it is never missing.
    #[serde(skip_serializing_if = "is_default")]
    pub has_default: bool,
    /// `name=value` for the forwarded query, percent-encoded, when the default is a scalar.
    #[serde(skip_serializing_if = "is_default")]
    pub default: Option<String>,
}

/// How a parameter's text becomes a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// The text is the value.
    #[default]
    Text,
    /// A repeated parameter: each occurrence is an item (`form`, exploded).
    Repeated,
    /// Items separated by commas (`form` not exploded, `simple`).
    Commas,
    /// Items separated by spaces (`spaceDelimited`).
    Spaces,
    /// Items separated by bars (`pipeDelimited`).
    Bars,
    /// JSON when it is JSON, else text: how the legacy validator reads choices with references.
    Json,
}

/// A request body.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Body {
    /// Whether a request must name a media type.
    #[serde(skip_serializing_if = "is_default")]
    pub required: bool,
    /// The media types, in the contract's order.
    pub media: Vec<Media>,
}

/// One media type of a request body.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Media {
    /// The media type or range as the contract names it.
    pub name: String,
    /// The schema; `None` when every value is valid.
    #[serde(skip_serializing_if = "is_default")]
    pub schema: Option<SchemaId>,
    /// Decides by one member which schema holds.
    #[serde(skip_serializing_if = "is_default")]
    pub discriminator: Option<Discriminator>,
}

/// The discriminator of a body.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Discriminator {
    /// The member.
    pub property: String,
    /// Its values and the schema for each, in the order in which messages name them.
    pub options: Vec<Way>,
}

/// One value of a discriminator.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Way {
    /// The value.
    pub value: String,
    /// The schema that holds then.
    pub schema: SchemaId,
}

impl Operation {
    /// The schemas this operation refers to directly.
    #[must_use]
    pub fn schemas(&self) -> Vec<SchemaId> {
        let parameters = self.query.iter().chain(&self.headers).chain(&self.path);
        let mut ids: Vec<SchemaId> = parameters.filter_map(|parameter| parameter.schema).collect();
        for media in self.body.iter().flat_map(|body| &body.media) {
            ids.extend(media.schema);
            ids.extend(media.discriminator.iter().flat_map(|d| d.options.iter().map(|way| way.schema)));
        }
        ids
    }
}
