//! The sockets that hold a run of ports.
//!
//! Owns which socket holds which port for which family. Where both families are held by one socket and one family is
//! given back, that socket is replaced by one of the other family without the port ever being free in between.

use super::Asked;
use super::Filter;
use super::socket::{Making, Plug};
use pontoon_types::{Family, PortRange, Protocol};
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

/// What a run is to hold.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    /// Transport protocol.
    pub(super) protocol: Protocol,
    /// Ports.
    pub(super) ports: PortRange,
    /// The IPv4 address, if any. With both families, both addresses are unspecified.
    pub(super) v4: Asked,
    /// The IPv6 address, if any.
    pub(super) v6: Asked,
}

impl Wanted {
    /// The address of one family.
    pub(super) fn of(&self, family: Family) -> Asked {
        if family == Family::V4 { self.v4 } else { self.v6 }
    }

    /// Whether one socket for both families is tried.
    fn takes_both(&self) -> bool {
        self.v4.is_some() && self.v6.is_some()
    }

    fn address(&self, family: Family, port: u16) -> Option<SocketAddr> {
        self.of(family).map(|(_, address)| SocketAddr::new(address, port))
    }
}

/// The port that could not be had.
#[derive(Clone, Copy, Debug)]
pub(super) struct Refused {
    /// For which family.
    pub(super) family: Family,
    /// Which.
    pub(super) port: u16,
    /// Why.
    pub(super) errno: i32,
}

/// The sockets of one port.
#[derive(Default)]
struct Slot {
    v4: Option<Plug>,
    v6: Option<Plug>,
    both: Option<Plug>,
}

/// A run of ports that is held.
pub(super) struct Run {
    wanted: Wanted,
    slots: Vec<Slot>,
    making: Making,
}

impl Run {
    /// Takes every port, or none.
    pub(super) fn open(wanted: Wanted, filter: Filter) -> Result<Self, Refused> {
        let making = if wanted.takes_both() { Making::now(filter) } else { Making::by_hand(filter) };
        let run = Self::made(wanted.clone(), making)?;
        if making.takes_both.is_some() && Making::now(filter).takes_both != making.takes_both {
            // Changed under our hands: nobody knows which of the sockets hold what.
            drop(run);
            return Self::made(wanted, Making::by_hand(filter));
        }
        Ok(run)
    }

    fn made(wanted: Wanted, making: Making) -> Result<Self, Refused> {
        let mut slots = Vec::with_capacity(wanted.ports.count() as usize);
        for port in wanted.ports.start..=wanted.ports.end {
            match Slot::open(&wanted, port, making) {
                Ok(slot) => slots.push(slot),
                // The kernel has no such protocol: nobody on this host can take the port either.
                Err(refused) if wanted.protocol == Protocol::Sctp && is_unknown_protocol(refused.errno) => break,
                Err(refused) => return Err(refused),
            }
        }
        Ok(Self { wanted, slots, making })
    }

    /// Gives one family back.
    pub(super) fn release(&mut self, family: Family) {
        match family {
            Family::V4 => self.wanted.v4 = None,
            Family::V6 => self.wanted.v6 = None,
        }
        if self.is_empty() {
            return self.clear();
        }
        for (port, slot) in (self.wanted.ports.start..).zip(&mut self.slots) {
            slot.narrow(&self.wanted, port, self.making);
        }
    }

    /// Whether something is held still once this family, or everything, is given back.
    pub(super) fn would_stay(&self, family: Option<Family>) -> bool {
        match family {
            Some(Family::V4) => self.wanted.v6.is_some(),
            Some(Family::V6) => self.wanted.v4.is_some(),
            None => false,
        }
    }

    /// Gives everything back.
    pub(super) fn clear(&mut self) {
        (self.wanted.v4, self.wanted.v6) = (None, None);
        self.slots.clear();
    }

    /// Whether nothing is held any more.
    pub(super) fn is_empty(&self) -> bool {
        self.wanted.v4.is_none() && self.wanted.v6.is_none()
    }
}

impl Slot {
    fn open(wanted: &Wanted, port: u16, making: Making) -> Result<Self, Refused> {
        if wanted.takes_both() {
            let everywhere = SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), port);
            if let Ok(both) = Plug::exclusive(wanted.protocol, everywhere, true, making) {
                return Ok(Self { both: Some(both), ..Self::default() });
            }
            // One of the families is taken, or is held by connections that are ending: each for itself, then.
        }
        let single = |family| match wanted.address(family, port) {
            Some(address) => Plug::single(wanted.protocol, address, making).map(Some).map_err(|error| Refused {
                family,
                port,
                errno: number(&error),
            }),
            None => Ok(None),
        };
        Ok(Self { v4: single(Family::V4)?, v6: single(Family::V6)?, both: None })
    }

    /// Lets go of what is no longer wanted.
    fn narrow(&mut self, wanted: &Wanted, port: u16, making: Making) {
        if wanted.v4.is_none() {
            self.v4 = None;
        }
        if wanted.v6.is_none() {
            self.v6 = None;
        }
        let Some(both) = self.both.take() else { return };
        let (family, place) = if wanted.v4.is_some() { (Family::V4, &mut self.v4) } else { (Family::V6, &mut self.v6) };
        let Some(address) = wanted.address(family, port) else { return };
        match both.replaced_by(wanted.protocol, address, making) {
            Ok(single) => *place = Some(single),
            // The other family stays blocked until this one is given back: too much held, never too little. Not
            // logged: a log file may not be open in the thread that holds the ports.
            Err(both) => self.both = Some(both),
        }
    }
}

fn number(error: &io::Error) -> i32 {
    error.raw_os_error().unwrap_or(libc::EIO)
}

fn is_unknown_protocol(errno: i32) -> bool {
    matches!(errno, libc::EPROTONOSUPPORT | libc::ESOCKTNOSUPPORT)
}
