//! Experiments with what is set of every connection's socket and of the library's buffers for it.

use std::sync::OnceLock;

use tokio::net::TcpStream;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;

use crate::setting;

/// It leaves room for a message up to what may wait for a client.
const BUFFER_BYTES_MAX: u64 = 1 << 19;

#[derive(Debug, PartialEq)]
pub struct Sockets {
    pub nodelay: bool,
    pub read_buffer_bytes: usize,
    pub write_buffer_bytes: usize,
}

static SETTINGS: OnceLock<Sockets> = OnceLock::new();

/// Fails if a setting is wrong.
pub fn configure() -> Result<(), String> {
    let sockets = Sockets::from_environment()?;
    SETTINGS.get_or_init(|| sockets);
    Ok(())
}

pub fn settings() -> &'static Sockets {
    SETTINGS.get().expect("main configures it before anybody can connect")
}

impl Sockets {
    pub fn apply(&self, config: &mut WebSocketConfig, tcp: &TcpStream) {
        config.read_buffer_size = self.read_buffer_bytes;
        config.write_buffer_size = self.write_buffer_bytes;
        let _ = tcp.set_nodelay(self.nodelay);
    }

    /// Without settings Nagle's algorithm is off, a read buffer is as tungstenite's documentation
    /// advises for many connections, and a write buffer as tungstenite has it by default.
    pub fn from_environment() -> Result<Self, String> {
        let bytes = |name, default| {
            setting(name, default, 1..=BUFFER_BYTES_MAX).map(|bytes| bytes as usize)
        };
        Ok(Self {
            nodelay: setting("CHAT_NODELAY", 1, 0..=1)? == 1,
            read_buffer_bytes: bytes("CHAT_READ_BUFFER_BYTES", 4_096)?,
            write_buffer_bytes: bytes("CHAT_WRITE_BUFFER_BYTES", 131_072)?,
        })
    }
}
