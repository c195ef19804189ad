//! How a list is called by SOAP.

use serde::{Deserialize, Serialize};

/// A call by SOAP 1.1 (wrapped document/literal). The list's `body` holds the elements of the call as JSON, and parameters
/// and credentials whose place is the body are elements too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Soap {
    /// The operation: the name of the outermost element in the body of the envelope.
    pub operation: String,
    /// The namespace of that element.
    pub namespace: String,
    /// What the header `SOAPAction` holds, without its quotes.
    pub action: String,
    /// Whether the elements within it are of the namespace too.
    pub qualified: bool,
    /// Every element that a call may have, in the order in which they must stand; dotted where one is in another. Nothing
    /// else is ever sent.
    pub elements: Vec<String>,
    /// Elements of a row that may come more than once, by their dotted paths: each is read as a list, also when it comes once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub repeated: Vec<String>,
}

impl Soap {
    /// Whether everything that becomes an element can be the name of one.
    pub(in crate::source) fn has_names(&self) -> bool {
        let names = self.elements.iter().flat_map(|path| path.split('.')).chain([self.operation.as_str()]);
        names.into_iter().all(is_name)
    }
}

/// Whether a text can be the name of an element, as far as services use it.
pub(in crate::source) fn is_name(text: &str) -> bool {
    let mut signs = text.chars();
    let is_first = signs.next().is_some_and(|first| first.is_alphabetic() || first == '_');
    is_first && signs.all(|sign| sign.is_alphanumeric() || matches!(sign, '_' | '-' | '.'))
}
