//! How a shape writes its errors (section 14).

use serde_json::{Value, json};

use super::choices::{Errors, Protocol};
use super::reply::Reply;
use super::shape::Shape;
use super::soap;

/// A page for people.
pub(super) const PAGE: &str = "<!doctype html><html><head><title>PromoXcrm</title></head><body><h1>PromoXcrm</h1>\
                               <form action=\"/login\"><input name=\"user\"><input name=\"password\" type=\"password\">\
                               </form></body></html>";

/// An error: the status that HTTP has for it, a code, a sentence.
#[derive(Debug, Clone)]
pub(super) struct Fault {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Fault {
    pub(super) fn new(status: u16, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into() }
    }

    pub(super) fn not_found() -> Self {
        Self::new(404, "not_found", "There is nothing here.")
    }

    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self::new(400, "bad_request", message)
    }

    /// The error as the shape writes it.
    pub(super) fn reply(&self, shape: &Shape) -> Reply {
        match shape.protocol {
            Protocol::Graphql => return self.graphql(),
            Protocol::Soap => return soap::fault(shape, self),
            Protocol::Odata4 | Protocol::Odata2 if is_proper(shape.errors) => return self.odata(),
            Protocol::Xml if is_proper(shape.errors) => {
                let text = format!(
                    "<?xml version=\"1.0\"?><Envelope><Body><Fault><faultcode>{}</faultcode><faultstring>{}\
                     </faultstring></Fault></Body></Envelope>",
                    self.code, self.message
                );
                return Reply::typed(self.status, "application/xml", text);
            }
            _ => {}
        }
        let (code, message) = (self.code, &self.message);
        match shape.errors {
            Errors::Object => self.json(json!({"error": {"code": code, "message": message}})),
            Errors::Text => self.json(json!({"error": message})),
            Errors::List => self.json(json!({"errors": [{"code": code, "message": message}]})),
            Errors::Message => self.json(json!({"message": message})),
            Errors::Problem => {
                let body = json!({"type": "about:blank", "title": code, "status": self.status, "detail": message});
                self.json(body).header("content-type", "application/problem+json")
            }
            Errors::Success => Reply::json(200, json!({"success": false, "message": message})),
            Errors::SuccessText => {
                Reply::json(200, json!({"success": "0", "data": {"success": "0", "message": message}}))
            }
            Errors::Ok => {
                Reply::json(200, json!({"ok": false, "errNum": u32::from(self.status) + 10_000, "errMsg": message}))
            }
            Errors::False => Reply::json(200, json!(false)),
            Errors::NoContent => Reply::empty(204),
            Errors::Html => Reply::typed(self.status, "text/html; charset=utf-8", PAGE),
            Errors::EmptyBody => Reply::empty(self.status),
        }
    }

    fn json(&self, body: Value) -> Reply {
        Reply::json(self.status, body)
    }

    /// Beside the data, with status 200; who is not let in does not come so far.
    fn graphql(&self) -> Reply {
        let errors = json!([{"message": self.message, "extensions": {"code": self.code}}]);
        match self.status {
            401 | 423 => self.json(json!({"errors": errors})),
            _ => Reply::json(200, json!({"data": null, "errors": errors})),
        }
    }

    fn odata(&self) -> Reply {
        self.json(json!({"error": {"code": self.code, "message": self.message}}))
    }
}

/// Whether errors have their own status and a body that says what is wrong.
pub(super) fn is_proper(errors: Errors) -> bool {
    matches!(errors, Errors::Object | Errors::Text | Errors::List | Errors::Message | Errors::Problem)
}
