//! Settings: `antevox.toml`, `ANTEVOX_SECTION__KEY`, the command line, in rising order.
