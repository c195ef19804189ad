//! One way in which APIs differ: a closed list of variants, each with its text in `--shape` and its weight in a draw.

/// A way in which APIs differ. The first value is what a shape spelled by hand has where it says nothing.
pub trait Dimension: Copy + Eq + Sized + 'static {
    /// Name of it in `--shape`.
    const KEY: &'static str;
    /// Each value with its text and its weight among the others; 0 is served by hand only.
    const VALUES: &'static [(Self, &'static str, u32)];

    /// What a shape has that says nothing of it.
    #[must_use]
    fn first() -> Self {
        Self::VALUES[0].0
    }

    /// Its text in `--shape`.
    #[must_use]
    fn text(self) -> &'static str {
        Self::VALUES.iter().find(|(value, ..)| *value == self).map_or("", |(_, text, _)| *text)
    }

    /// Reads its text.
    #[must_use]
    fn read(text: &str) -> Option<Self> {
        Self::VALUES.iter().find(|(_, own, _)| *own == text).map(|(value, ..)| *value)
    }
}

/// Makes an enum of variants, each with its text and weight.
macro_rules! dimension {
    ($(#[$meta:meta])* $name:ident $key:literal {
        $($(#[$vmeta:meta])* $variant:ident = $text:literal $weight:literal),+ $(,)?
    }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$vmeta])* $variant),+ }

        impl $crate::standin::promox::shapes::dimension::Dimension for $name {
            const KEY: &'static str = $key;
            const VALUES: &'static [(Self, &'static str, u32)] = &[$(($name::$variant, $text, $weight)),+];
        }
    };
}
pub(super) use dimension;
