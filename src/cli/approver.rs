//! `approver`: a token for a person who may approve, and the lines that list them in the settings.

use secrecy::{ExposeSecret as _, SecretString};

use super::{Success, terminal};
use crate::config::token_hash;
use crate::error::Result;

/// Make a token for a person who may approve gates.
#[derive(Debug, clap::Args)]
pub(super) struct Approver {
    /// The person
    #[arg(value_name = "NAME")]
    name: String,
}

impl Approver {
    /// The lines go to standard output and the token to standard error, so that one can be added to the settings and the
    /// other handed over.
    pub(super) fn run(self) -> Result<Success> {
        let half = || uuid::Uuid::new_v4().simple().to_string();
        let token = SecretString::from(format!("{}{}", half(), half()));
        let name = toml::Value::String(self.name.clone());
        terminal::complain(&format!(
            "The token of {}. It is shown once; hand it over, and keep it out of the migration's folder:\n{}\n\n\
             These lines go into migration.toml. From the first such entry on only listed people can approve:",
            self.name,
            token.expose_secret()
        ));
        terminal::say(&format!("[[approver]]\nname = {name}\ntoken_hash = \"{}\"", token_hash(&token).to_hex()));
        Ok(Success::Well)
    }
}
