//! What a defect in a handler would do. A kit asks for it and measures what follows.

use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};
use std::{env, hint};

use serde_json::Value;

use crate::connection::Outbox;

static ASKED: LazyLock<bool> =
    LazyLock::new(|| env::var("CHAT_FAULTS").is_ok_and(|asked| asked == "1"));

/// What a new build is told from the old one by.
static BUILD: LazyLock<String> =
    LazyLock::new(|| env::var("CHAT_BUILD").unwrap_or_else(|_| "1".to_owned()));

/// Panics, or does not come to an end for so many milliseconds, if `CHAT_FAULTS` is 1. Who asks for
/// the build is told.
pub fn commit(kind: &str, ms: &Value, asker: &Arc<Outbox>) {
    match kind {
        "__build" if *ASKED => {
            let text = format!(r#"{{"type":"__build","build":{}}}"#, Value::from(BUILD.as_str()));
            asker.deliver(text.into());
        }
        "__crash" if *ASKED => panic!("__crash was asked for"),
        "__spin" if *ASKED => {
            let end = Instant::now() + Duration::from_millis(ms.as_u64().unwrap_or_default());
            while Instant::now() < end {
                hint::spin_loop();
            }
        }
        _ => {}
    }
}
