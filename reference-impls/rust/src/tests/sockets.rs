use std::env;

use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::sockets::Sockets;

/// One test, as the environment is the process's.
#[test]
fn sockets_are_as_they_are_set() {
    let write_buffer_bytes = WebSocketConfig::default().write_buffer_size;
    let usual = Sockets { nodelay: true, read_buffer_bytes: 4_096, write_buffer_bytes };
    assert_eq!(Sockets::from_environment(), Ok(usual));
    for (name, good, bad) in [
        ("CHAT_NODELAY", "0", "2"),
        ("CHAT_READ_BUFFER_BYTES", "1024", "0"),
        ("CHAT_WRITE_BUFFER_BYTES", "1024", "524289"),
    ] {
        env::set_var(name, bad);
        let reason = Sockets::from_environment().unwrap_err();
        assert!(reason.contains(name), "{reason}");
        env::set_var(name, good);
    }
    let small = Sockets { nodelay: false, read_buffer_bytes: 1_024, write_buffer_bytes: 1_024 };
    assert_eq!(Sockets::from_environment(), Ok(small));
}
