//! The socket filter that drops everything, and how many sockets may be.
//!
//! One program is loaded once and shared by all sockets: attaching the same two instructions as a classic filter
//! makes the kernel compile them anew for each socket (10 µs instead of 0.3). Where loading is forbidden the classic
//! filter does the same.

use super::socket::set_option;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use std::io;
use std::os::fd::{FromRawFd, IntoRawFd, OwnedFd, RawFd};

const BPF_PROG_LOAD: libc::c_long = 5;
const BPF_PROG_TYPE_SOCKET_FILTER: u32 = 1;
/// `r0 = 0; exit`: keep no byte of any packet.
const DROP: [u64; 2] = [0x0000_0000_0000_00b7, 0x0000_0000_0000_0095];

/// Drops every packet to a socket. Cheap to copy; the program stays loaded for the life of the process.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Filter {
    program: Option<RawFd>,
}

/// The part of `union bpf_attr` that loading a program needs.
#[repr(C)]
struct Load {
    kind: u32,
    instructions: u32,
    code: u64,
    license: u64,
    log_level: u32,
    log_size: u32,
    log: u64,
    kernel_version: u32,
    flags: u32,
}

impl Filter {
    /// Loads the program, or settles for the classic filter.
    pub(crate) fn load() -> Self {
        static PROGRAM: std::sync::OnceLock<Option<RawFd>> = std::sync::OnceLock::new();
        let program = PROGRAM.get_or_init(|| match load_program() {
            Ok(program) => Some(program.into_raw_fd()),
            Err(error) => {
                tracing::debug!(%error, "no shared socket filter: reserving many ports takes longer");
                None
            }
        });
        Self { program: *program }
    }

    /// The program's descriptor, for a thread that must not lose it.
    pub(super) fn descriptor(self) -> Option<RawFd> {
        self.program
    }

    /// Has `socket` drop everything.
    pub(super) fn attach(self, socket: RawFd) -> io::Result<()> {
        match self.program {
            Some(program) => set_option(socket, libc::SOL_SOCKET, libc::SO_ATTACH_BPF, &program),
            None => attach_classic(socket),
        }
    }

    /// How many descriptors one file table may have.
    pub(super) fn most_descriptors(self) -> u32 {
        getrlimit(Resource::RLIMIT_NOFILE).map_or(1024, |(soft, _)| u32::try_from(soft).unwrap_or(u32::MAX))
    }
}

fn attach_classic(socket: RawFd) -> io::Result<()> {
    // BPF_RET | BPF_K with 0.
    let mut code = [libc::sock_filter { code: 0x06, jt: 0, jf: 0, k: 0 }];
    let program = libc::sock_fprog { len: 1, filter: code.as_mut_ptr() };
    set_option(socket, libc::SOL_SOCKET, libc::SO_ATTACH_FILTER, &program)
}

#[allow(unsafe_code)]
fn load_program() -> io::Result<OwnedFd> {
    let license = c"Apache-2.0";
    let load = Load {
        kind: BPF_PROG_TYPE_SOCKET_FILTER,
        instructions: DROP.len() as u32,
        code: DROP.as_ptr() as u64,
        license: license.as_ptr() as u64,
        log_level: 0,
        log_size: 0,
        log: 0,
        kernel_version: 0,
        flags: 0,
    };
    // SAFETY: the kernel reads `load` for its stated size, and through it the code and the license, all of which
    // outlive the call; it writes nothing, as no log is asked for.
    let fd = unsafe { libc::syscall(libc::SYS_bpf, BPF_PROG_LOAD, &raw const load, size_of::<Load>()) };
    if fd < 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the descriptor was just opened (with close-on-exec) and nobody else has it.
    Ok(unsafe { OwnedFd::from_raw_fd(fd as RawFd) })
}

/// Raises the soft limit of open files to the hard one.
pub(crate) fn raise_descriptor_limit() {
    let raised = getrlimit(Resource::RLIMIT_NOFILE)
        .and_then(|(soft, hard)| if soft < hard { setrlimit(Resource::RLIMIT_NOFILE, hard, hard) } else { Ok(()) });
    if let Err(error) = raised {
        tracing::debug!(%error, "the limit of open files stays as it is");
    }
}
