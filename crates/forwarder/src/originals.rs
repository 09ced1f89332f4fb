//! Where a redirected flow wanted to go before the rule set redirected it.

use pontoon_kernel::{FlowKey, Kernel, Result};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;

/// Who knows first destinations: the kernel's connection tracking, or a test.
pub trait Originals: Send + Sync + 'static {
    /// The first destination of an accepted connection. Must not block.
    fn tcp(&self, stream: &TcpStream) -> Result<SocketAddr>;

    /// The first destination of a UDP flow, found by its answers; `None` when it is not tracked. May block for the
    /// time that a question to the kernel takes.
    fn udp(&self, answers: &FlowKey) -> Result<Option<SocketAddr>>;
}

/// The kernel itself.
pub struct OfKernel(pub Arc<dyn Kernel>);

impl Originals for OfKernel {
    fn tcp(&self, stream: &TcpStream) -> Result<SocketAddr> {
        self.0.tcp_original_destination(stream)
    }

    fn udp(&self, answers: &FlowKey) -> Result<Option<SocketAddr>> {
        self.0.original_destination(answers)
    }
}
