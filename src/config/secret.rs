//! Secrets: where they come from, and how a new one is noticed while the daemon runs.

use std::path::{Path, PathBuf};

use secrecy::{ExposeSecret as _, SecretString};

/// A secret, and the file it was read from, if it was one.
#[derive(Debug, Clone)]
pub struct Secret {
    text: SecretString,
    file: Option<PathBuf>,
}

impl Secret {
    /// A secret that stays as it is.
    #[must_use]
    pub fn fixed(text: SecretString) -> Self {
        Self { text, file: None }
    }

    /// A secret from a file, which may get a new one later. `None` when there is nothing in it.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn from_file(path: PathBuf) -> std::io::Result<Option<Self>> {
        Ok(trimmed(&std::fs::read_to_string(&path)?).map(|text| Self { text, file: Some(path) }))
    }

    /// The secret itself.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.text.expose_secret()
    }

    /// The file, if it is from one.
    #[must_use]
    pub fn file(&self) -> Option<&Path> {
        self.file.as_deref()
    }

    /// Reads the file again: true when something else stands there now. A file that is away for the moment, as it is
    /// while somebody replaces it, changes nothing.
    pub fn renew(&mut self) -> bool {
        let Some(text) = self.file.as_deref().and_then(|file| std::fs::read_to_string(file).ok()) else { return false };
        match trimmed(&text) {
            Some(text) if text.expose_secret() != self.text.expose_secret() => {
                self.text = text;
                true
            }
            _ => false,
        }
    }

    /// Puts another text in its place, in the file too.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn replace(&mut self, text: SecretString) -> std::io::Result<()> {
        self.text = text;
        let Some(file) = &self.file else { return Ok(()) };
        // A whole new file in its place: a reader sees the old one or the new one. Temporary files are for the owner only.
        let folder = file.parent().unwrap_or(Path::new("."));
        let temporary = tempfile::NamedTempFile::new_in(folder)?;
        std::fs::write(temporary.path(), self.text.expose_secret())?;
        temporary.persist(file).map_err(|error| error.error)?;
        Ok(())
    }
}

fn trimmed(text: &str) -> Option<SecretString> {
    let text = text.trim();
    (!text.is_empty()).then(|| SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_with_another_secret_is_noticed_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("token");
        std::fs::write(&file, " one\n").expect("written");
        let mut secret = Secret::from_file(file.clone()).expect("readable").expect("a secret");
        assert_eq!(secret.expose(), "one");
        assert!(!secret.renew());
        std::fs::write(&file, "\n").expect("written");
        assert!(!secret.renew(), "an empty file is none");
        std::fs::write(&file, "two\n").expect("written");
        assert!(secret.renew() && !secret.renew());
        assert_eq!(secret.expose(), "two");
        secret.replace("three".into()).expect("written");
        assert_eq!(std::fs::read_to_string(&file).expect("readable"), "three");
        assert!(!format!("{secret:?}").contains("three"));
    }
}
