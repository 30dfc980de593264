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
    /// Cookie parameters.
    #[serde(skip_serializing_if = "is_default")]
    pub cookies: Vec<Parameter>,
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
    pub form: Form,
    /// The text may hold reserved characters (`:/?#[]@!$&'()*+,;=`) that are not percent-encoded.
    #[serde(skip_serializing_if = "is_default")]
    pub allow_reserved: bool,
    /// `name=` is a value and not a mistake.
    #[serde(skip_serializing_if = "is_default")]
    pub allow_empty: bool,
    /// There is a default, so it is never missing.
    #[serde(skip_serializing_if = "is_default")]
    pub has_default: bool,
    /// The default for the forwarded request, when it is a scalar: `name=value` percent-encoded for the query and for
    /// cookies, the value for a header.
    #[serde(skip_serializing_if = "is_default")]
    pub default: Option<String>,
}

/// How text becomes a value (OpenAPI 3.1, "Style Values").
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Form {
    /// The style.
    #[serde(skip_serializing_if = "is_default")]
    pub style: Style,
    /// Whether each item or member stands for itself.
    #[serde(skip_serializing_if = "is_default")]
    pub explode: bool,
    /// What kind of value comes out.
    #[serde(skip_serializing_if = "is_default")]
    pub shape: Shape,
    /// An object's members, each of which is a parameter of its own (`form`, exploded).
    #[serde(skip_serializing_if = "is_default")]
    pub members: Vec<Member>,
    /// Names that nobody else has are members, too (`form`, exploded, with `additionalProperties`).
    #[serde(skip_serializing_if = "is_default")]
    pub open: bool,
}

/// A member of an object that is a parameter of its own.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// It is a list, also where there is but one item.
    #[serde(skip_serializing_if = "is_default")]
    pub list: bool,
}

/// The styles.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Style {
    /// Items are separated by commas (`simple`; `form`, where it is not exploded, is the same once the name is off).
    #[default]
    Simple,
    /// Each item is a parameter of the same name, each member a parameter of its own (`form`, exploded).
    Form,
    /// Items separated by spaces (`spaceDelimited`).
    Spaces,
    /// Items separated by bars (`pipeDelimited`).
    Bars,
    /// `name[member]=value` (`deepObject`).
    Deep,
    /// `.a.b` (`label`).
    Label,
    /// `;name=a` (`matrix`).
    Matrix,
    /// JSON when it is JSON, else text: `content`, and how the legacy validator reads choices with references.
    Json,
}

/// What kind of value a text stands for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Shape {
    /// A scalar.
    #[default]
    Text,
    /// A list of scalars.
    List,
    /// An object of scalars.
    Object,
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
    /// How the body is read.
    #[serde(skip_serializing_if = "is_default")]
    pub kind: BodyKind,
    /// The schema; `None` when every value is valid.
    #[serde(skip_serializing_if = "is_default")]
    pub schema: Option<SchemaId>,
    /// The schema wants an object or a list, which only JSON and forms can be.
    #[serde(skip_serializing_if = "is_default")]
    pub structured: bool,
    /// The schema says how long a binary body may be.
    #[serde(skip_serializing_if = "is_default")]
    pub sized: bool,
    /// Decides by one member which schema holds.
    #[serde(skip_serializing_if = "is_default")]
    pub discriminator: Option<Discriminator>,
    /// The parts of a form that are not plain text, each of them once.
    #[serde(skip_serializing_if = "is_default")]
    pub parts: Vec<Part>,
}

/// How a body is read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyKind {
    /// As JSON.
    #[default]
    Json,
    /// As `application/x-www-form-urlencoded`.
    Form,
    /// As `multipart/form-data`.
    Multipart,
    /// As UTF-8 text.
    Text,
    /// Not at all: only its length counts.
    Binary,
    /// As the media type of the request says, for ranges.
    Sent,
}

/// A part of a form.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// How its text becomes a value.
    #[serde(skip_serializing_if = "is_default")]
    pub form: Form,
    /// Media types and ranges one of which a part must have, where it names one; empty: any.
    #[serde(skip_serializing_if = "is_default")]
    pub types: Vec<String>,
    /// It is a file: its bytes are not looked at.
    #[serde(skip_serializing_if = "is_default")]
    pub file: bool,
    /// The schema says how long the file may be.
    #[serde(skip_serializing_if = "is_default")]
    pub sized: bool,
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
        let parameters = self.query.iter().chain(&self.headers).chain(&self.path).chain(&self.cookies);
        let mut ids: Vec<SchemaId> = parameters.filter_map(|parameter| parameter.schema).collect();
        for media in self.body.iter().flat_map(|body| &body.media) {
            ids.extend(media.schema);
            ids.extend(media.discriminator.iter().flat_map(|d| d.options.iter().map(|way| way.schema)));
        }
        ids
    }
}
