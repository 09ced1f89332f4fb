//! The kernel's numbers (`linux/netfilter/nf_tables.h`) for our words, both ways.
//!
//! Owns: attribute types, message types and enumerations. Must never decide anything.

use pontoon_kernel::nft::{ChainType, CtKey, Field, Hook, MetaKey, Policy, Register, TableFamily};

/// Attribute types, a module for each attribute set.
pub(super) mod attribute {
    pub(crate) mod table {
        pub(crate) const NAME: u16 = 1;
        pub(crate) const FLAGS: u16 = 2;
    }
    pub(crate) mod chain {
        pub(crate) const TABLE: u16 = 1;
        pub(crate) const NAME: u16 = 3;
        pub(crate) const HOOK: u16 = 4;
        pub(crate) const POLICY: u16 = 5;
        pub(crate) const TYPE: u16 = 7;
    }
    pub(crate) mod hook {
        pub(crate) const NUMBER: u16 = 1;
        pub(crate) const PRIORITY: u16 = 2;
    }
    pub(crate) mod rule {
        pub(crate) const TABLE: u16 = 1;
        pub(crate) const CHAIN: u16 = 2;
        pub(crate) const EXPRESSIONS: u16 = 4;
        pub(crate) const USERDATA: u16 = 7;
    }
    pub(crate) mod list {
        pub(crate) const ELEMENT: u16 = 1;
    }
    pub(crate) mod expression {
        pub(crate) const NAME: u16 = 1;
        pub(crate) const DATA: u16 = 2;
    }
    pub(crate) mod set {
        pub(crate) const TABLE: u16 = 1;
        pub(crate) const NAME: u16 = 2;
        pub(crate) const FLAGS: u16 = 3;
        pub(crate) const KEY_TYPE: u16 = 4;
        pub(crate) const KEY_LEN: u16 = 5;
        pub(crate) const DATA_TYPE: u16 = 6;
        pub(crate) const DATA_LEN: u16 = 7;
        pub(crate) const DESCRIPTION: u16 = 9;
        pub(crate) const ID: u16 = 10;
        pub(crate) const USERDATA: u16 = 13;
        pub(crate) const DESCRIPTION_CONCAT: u16 = 2;
        pub(crate) const FIELD_LEN: u16 = 1;
    }
    pub(crate) mod elements {
        pub(crate) const TABLE: u16 = 1;
        pub(crate) const SET: u16 = 2;
        pub(crate) const LIST: u16 = 3;
    }
    pub(crate) mod element {
        pub(crate) const KEY: u16 = 1;
        pub(crate) const DATA: u16 = 2;
        pub(crate) const KEY_END: u16 = 10;
    }
    pub(crate) mod data {
        pub(crate) const VALUE: u16 = 1;
        pub(crate) const VERDICT: u16 = 2;
    }
    pub(crate) mod verdict {
        pub(crate) const CODE: u16 = 1;
        pub(crate) const CHAIN: u16 = 2;
    }
    pub(crate) mod load {
        //! `meta`, `ct` and `immediate` agree in these.
        pub(crate) const TO: u16 = 1;
        pub(crate) const KEY: u16 = 2;
    }
    pub(crate) mod ct {
        pub(crate) const DIRECTION: u16 = 3;
    }
    pub(crate) mod payload {
        pub(crate) const TO: u16 = 1;
        pub(crate) const BASE: u16 = 2;
        pub(crate) const OFFSET: u16 = 3;
        pub(crate) const LEN: u16 = 4;
        pub(crate) const FROM: u16 = 5;
        pub(crate) const CHECKSUM_TYPE: u16 = 6;
        pub(crate) const CHECKSUM_OFFSET: u16 = 7;
        pub(crate) const CHECKSUM_FLAGS: u16 = 8;
    }
    pub(crate) mod fib {
        pub(crate) const TO: u16 = 1;
        pub(crate) const RESULT: u16 = 2;
        pub(crate) const FLAGS: u16 = 3;
    }
    pub(crate) mod bitwise {
        pub(crate) const FROM: u16 = 1;
        pub(crate) const TO: u16 = 2;
        pub(crate) const LEN: u16 = 3;
        pub(crate) const MASK: u16 = 4;
        pub(crate) const XOR: u16 = 5;
        pub(crate) const OP: u16 = 6;
    }
    pub(crate) mod cmp {
        pub(crate) const FROM: u16 = 1;
        pub(crate) const OP: u16 = 2;
        pub(crate) const DATA: u16 = 3;
    }
    pub(crate) mod lookup {
        pub(crate) const SET: u16 = 1;
        pub(crate) const FROM: u16 = 2;
        pub(crate) const TO: u16 = 3;
        pub(crate) const FLAGS: u16 = 5;
    }
    pub(crate) mod nat {
        pub(crate) const TYPE: u16 = 1;
        pub(crate) const FAMILY: u16 = 2;
        pub(crate) const ADDRESS: u16 = 3;
        pub(crate) const ADDRESS_MAX: u16 = 4;
        pub(crate) const PORT: u16 = 5;
        pub(crate) const PORT_MAX: u16 = 6;
        pub(crate) const FLAGS: u16 = 7;
    }
    pub(crate) mod masquerade {
        pub(crate) const FLAGS: u16 = 1;
        pub(crate) const PORT: u16 = 2;
    }
    pub(crate) mod redirect {
        pub(crate) const PORT: u16 = 1;
        pub(crate) const PORT_MAX: u16 = 2;
        pub(crate) const FLAGS: u16 = 3;
    }
    pub(crate) mod generation {
        pub(crate) const ID: u16 = 1;
    }
}

/// Set flags.
pub(super) mod set_flag {
    pub(crate) const ANONYMOUS: u32 = 0x1;
    pub(crate) const INTERVAL: u32 = 0x4;
    pub(crate) const MAP: u32 = 0x8;
    pub(crate) const CONCAT: u32 = 0x80;
}

/// Verdict codes.
pub(super) mod verdict_code {
    pub(crate) const DROP: u32 = 0;
    pub(crate) const ACCEPT: u32 = 1;
    pub(crate) const JUMP: u32 = -3_i32 as u32;
    pub(crate) const GOTO: u32 = -4_i32 as u32;
    pub(crate) const RETURN: u32 = -5_i32 as u32;
}

/// The data type of verdict maps.
pub(super) const DATA_VERDICT: u32 = 0xffff_ff00;
/// NAT flags that the kernel sets by itself: an address is given (1), a port is given (2).
pub(super) const NAT_IMPLIED: u32 = 0x3;
/// `nft`'s type numbers are packed six bits each in a concatenation.
const TYPE_BITS: u32 = 6;

/// The type of a netlink message of nf_tables.
pub(super) fn message(kind: libc::c_int) -> u16 {
    (libc::NFNL_SUBSYS_NFTABLES as u16) << 8 | kind as u16
}

/// The family's number (`NFPROTO_*`).
pub(super) fn family(family: TableFamily) -> u8 {
    (match family {
        TableFamily::Inet => libc::NFPROTO_INET,
        TableFamily::Ip => libc::NFPROTO_IPV4,
        TableFamily::Ip6 => libc::NFPROTO_IPV6,
        TableFamily::Bridge => libc::NFPROTO_BRIDGE,
    }) as u8
}

/// The chain type's name.
pub(super) fn chain_type_from(name: &str) -> Option<ChainType> {
    [ChainType::Filter, ChainType::Nat, ChainType::Route].into_iter().find(|kind| kind.to_string() == name)
}

const HOOKS: [Hook; 5] = [Hook::Prerouting, Hook::Input, Hook::Forward, Hook::Output, Hook::Postrouting];

/// The hook's number in families `inet`, `ip`, `ip6` and `bridge` (`enum nf_inet_hooks`).
pub(super) fn hook(hook: Hook) -> u32 {
    HOOKS.iter().zip(0..).find(|(known, _)| **known == hook).map_or(0, |(_, number)| number)
}

/// The hook of a number.
pub(super) fn hook_from(number: u32) -> Option<Hook> {
    HOOKS.get(usize::try_from(number).ok()?).copied()
}

/// The policy's number.
pub(super) fn policy(policy: Policy) -> u32 {
    match policy {
        Policy::Drop => verdict_code::DROP,
        Policy::Accept => verdict_code::ACCEPT,
    }
}

/// The policy of a number.
pub(super) fn policy_from(number: u32) -> Option<Policy> {
    [Policy::Drop, Policy::Accept].into_iter().find(|known| policy(*known) == number)
}

/// The register's number (`NFT_REG32_00` and following).
pub(super) fn register(register: Register) -> u32 {
    libc::NFT_REG32_00 as u32 + u32::from(register.0)
}

/// The register of a number; the kernel tells those at a multiple of 16 bytes by the old numbers 1 to 4.
pub(super) fn register_from(number: u32) -> Option<Register> {
    match number {
        1..=4 => Some(Register((number as u8 - 1) * 4)),
        8..=23 => Some(Register(number as u8 - 8)),
        _ => None,
    }
}

const META: [(MetaKey, u32); 5] = [
    (MetaKey::NfProto, libc::NFT_META_NFPROTO as u32),
    (MetaKey::L4Proto, libc::NFT_META_L4PROTO as u32),
    (MetaKey::Iif, libc::NFT_META_IIF as u32),
    (MetaKey::IifName, libc::NFT_META_IIFNAME as u32),
    (MetaKey::OifName, libc::NFT_META_OIFNAME as u32),
];

/// The number of a `meta` key.
pub(super) fn meta(key: MetaKey) -> u32 {
    META.iter().find(|(known, _)| *known == key).map_or(0, |(_, number)| *number)
}

/// The `meta` key of a number.
pub(super) fn meta_from(number: u32) -> Option<MetaKey> {
    META.iter().find(|(_, known)| *known == number).map(|(key, _)| *key)
}

const CT: [(CtKey, u32); 3] = [
    (CtKey::State, libc::NFT_CT_STATE as u32),
    (CtKey::Status, libc::NFT_CT_STATUS as u32),
    (CtKey::Direction, libc::NFT_CT_DIRECTION as u32),
];

/// The number of a `ct` key.
pub(super) fn ct(key: CtKey) -> u32 {
    CT.iter().find(|(known, _)| *known == key).map_or(0, |(_, number)| *number)
}

/// The `ct` key of a number.
pub(super) fn ct_from(number: u32) -> Option<CtKey> {
    CT.iter().find(|(_, known)| *known == number).map(|(key, _)| *key)
}

const FIELDS: [(Field, u32); 5] =
    [(Field::Ipv4, 7), (Field::Ipv6, 8), (Field::Protocol, 12), (Field::Port, 13), (Field::IfName, 41)];

/// The number by which `nft` knows the types of these fields, so that it prints values and not bytes.
pub(super) fn fields(fields: &[Field]) -> u32 {
    fields.iter().fold(0, |packed, field| {
        let known = FIELDS.iter().find(|(known, _)| known == field).map(|(_, number)| *number);
        let number = match field {
            Field::Other(number) => u32::from(*number),
            _ => known.unwrap_or(0),
        };
        packed << TYPE_BITS | number
    })
}

/// The fields of such a number.
pub(super) fn fields_from(packed: u32) -> Vec<Field> {
    let numbers = (0..32 / TYPE_BITS).rev().map(|place| packed >> (place * TYPE_BITS) & 0x3f);
    numbers
        .skip_while(|number| *number == 0)
        .map(|number| {
            let known = FIELDS.iter().find(|(_, known)| *known == number).map(|(field, _)| *field);
            known.unwrap_or(Field::Other(number as u8))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_lead_back_to_their_words() {
        for (key, number) in META {
            assert_eq!(meta_from(number), Some(key));
        }
        for (key, number) in CT {
            assert_eq!(ct_from(number), Some(key));
        }
        for known in HOOKS {
            assert_eq!(hook_from(hook(known)), Some(known));
        }
        for number in 0..16 {
            assert_eq!(register_from(register(Register(number))), Some(Register(number)));
        }
        assert_eq!(register_from(2), Some(Register(4)));
        assert_eq!(register_from(0), None);
        let key = [Field::Ipv6, Field::Protocol, Field::Port, Field::Other(3)];
        assert_eq!(fields_from(fields(&key)), key);
    }
}
