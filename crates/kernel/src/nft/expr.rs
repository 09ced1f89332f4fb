//! Expressions: what a rule is made of, as the kernel sees it.
//!
//! Owns: the expressions this program uses, with their registers. Anything else read from the kernel is
//! [`Expr::Other`], which equals no expression that is ever wanted.

/// One of the sixteen 4-byte registers. Longer values lie in several registers in a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Register(pub u8);

/// What `meta` tells about a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MetaKey {
    /// Network protocol: 2 for IPv4, 10 for IPv6 (1 byte).
    NfProto,
    /// Transport protocol number (1 byte).
    L4Proto,
    /// Number of the link it came in by; 0 when made here (4 bytes, host order).
    Iif,
    /// Name of the link it came in by; empty when made here (16 bytes).
    IifName,
    /// Name of the link it leaves by (16 bytes).
    OifName,
}

/// What connection tracking tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CtKey {
    /// State bits (4 bytes, host order); see the constants of [`CtKey`].
    State,
    /// Status bits (4 bytes, host order).
    Status,
    /// Direction (1 byte): see [`CtDirection`].
    Direction,
}

impl CtKey {
    /// State bit: neither new nor related, part of a flow seen both ways.
    pub const ESTABLISHED: u32 = 2;
    /// State bit: belongs to another flow (ICMP errors, helpers).
    pub const RELATED: u32 = 4;
    /// Status bit: the destination is translated (`IPS_DST_NAT`).
    pub const DNAT: u32 = 32;
}

/// Direction of a packet in its flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CtDirection {
    /// As the flow began.
    Original,
    /// The answers.
    Reply,
}

/// From where a [`Slice`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeaderBase {
    /// Network header.
    Network,
    /// Transport header.
    Transport,
}

/// Bytes of a packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Slice {
    /// From where it counts.
    pub base: HeaderBase,
    /// Bytes from there.
    pub offset: u32,
    /// Number of bytes.
    pub len: u32,
}

/// A checksum to be corrected after bytes were changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Checksum {
    /// Where it lies, in bytes from the same base.
    pub offset: u32,
}

/// What `fib` looks at; it answers with the type of the address (4 bytes, host order: [`FibFlags::LOCAL`]).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FibFlags {
    /// The destination address.
    Daddr,
    /// The source address.
    Saddr,
}

impl FibFlags {
    /// The answer for an address of this namespace (`RTN_LOCAL`).
    pub const LOCAL: u32 = 2;
}

/// How a comparison is made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CmpOp {
    /// Equal.
    Eq,
    /// Not equal.
    Ne,
}

/// Family of a translated address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NatFamily {
    /// IPv4.
    Ip,
    /// IPv6.
    Ip6,
}

/// Where a packet goes next.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// This base chain has no objection.
    Accept,
    /// The packet is gone.
    Drop,
    /// Back to the calling chain.
    Return,
    /// To that chain, and back here afterwards.
    Jump(String),
    /// To that chain, and back to where this one was called from.
    Goto(String),
}

/// One expression. "Breaks" means that the rule stops here and the next rule is tried.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Expr {
    /// Loads a fact about the packet.
    Meta {
        /// Which.
        key: MetaKey,
        /// Where to.
        to: Register,
    },
    /// Loads a fact about its flow; breaks when it is not tracked (except for the state).
    Ct {
        /// Which.
        key: CtKey,
        /// Where to.
        to: Register,
    },
    /// Loads bytes of the packet; breaks when they are not there.
    Payload {
        /// Which bytes.
        slice: Slice,
        /// Where to.
        to: Register,
    },
    /// Changes bytes of the packet.
    PayloadStore {
        /// Which bytes.
        slice: Slice,
        /// What to write.
        from: Register,
        /// The checksum over them, if there is one.
        checksum: Option<Checksum>,
    },
    /// Loads the type of an address.
    Fib {
        /// Which address.
        of: FibFlags,
        /// Where to.
        to: Register,
    },
    /// Loads a constant.
    Immediate {
        /// The constant.
        value: Vec<u8>,
        /// Where to.
        to: Register,
    },
    /// `to = (from & mask) ^ xor`.
    Bitwise {
        /// Input.
        from: Register,
        /// Output.
        to: Register,
        /// Mask; its length is that of the value.
        mask: Vec<u8>,
        /// Bits to flip.
        xor: Vec<u8>,
    },
    /// Breaks unless the register compares so.
    Cmp {
        /// How.
        op: CmpOp,
        /// Register.
        from: Register,
        /// Constant.
        value: Vec<u8>,
    },
    /// Breaks unless the registers from `from` on are a key of the set.
    Lookup {
        /// The set.
        set: String,
        /// First register of the key.
        from: Register,
        /// Break when it *is* a key.
        inverted: bool,
    },
    /// Looks the key up in a map and loads its data; breaks when there is none.
    Map {
        /// The map.
        map: String,
        /// First register of the key.
        from: Register,
        /// First register for the data.
        to: Register,
    },
    /// Looks the key up in a verdict map and follows the verdict; goes on when there is none.
    VerdictMap {
        /// The map.
        map: String,
        /// First register of the key.
        from: Register,
    },
    /// Follows the verdict.
    Verdict(Verdict),
    /// Translates the destination.
    Dnat {
        /// Family of the address.
        family: NatFamily,
        /// New address.
        address: Register,
        /// New port; `None` keeps it.
        port: Option<Register>,
    },
    /// Translates the source to an address of the outgoing link.
    Masquerade,
    /// Translates the destination to this host, and to that port.
    Redirect {
        /// New port.
        port: Register,
    },
    /// Keeps the packet out of connection tracking (only before it, at priority raw).
    Notrack,
    /// Counts packets and bytes. The counts are no part of the rule's identity.
    Counter,
    /// An expression of another hand, by the kernel's name.
    Other(String),
}
