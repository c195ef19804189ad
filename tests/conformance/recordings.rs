//! Recorded answers of the real service.
