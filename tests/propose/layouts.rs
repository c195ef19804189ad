//! Exports of other layouts.
