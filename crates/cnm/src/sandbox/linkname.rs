//! What an endpoint's link is called inside its sandbox. Pure (sandbox.md section 5).

use crate::driver::LinkPlan;
use crate::{Error, Result};
use pontoon_types::LinkName;

/// The fixed name if there is one and it is free, else the prefix with the lowest unused number.
pub fn choose(plan: &LinkPlan, used: &[LinkName]) -> Result<LinkName> {
    if let Some(fixed) = &plan.fixed {
        return if used.contains(fixed) { Err(Error::InterfaceTaken(fixed.to_string())) } else { Ok(fixed.clone()) };
    }
    (0..=u16::MAX)
        .filter_map(|number| LinkName::new(format!("{}{number}", plan.prefix)).ok())
        .find(|name| !used.contains(name))
        .ok_or_else(|| Error::BadSandbox(format!("no free interface name with prefix {:?}", plan.prefix)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(list: &[&str]) -> Vec<LinkName> {
        list.iter().map(|name| name.parse().unwrap()).collect()
    }

    #[test]
    fn the_lowest_unused_number_is_taken_and_gaps_are_reused() {
        let plan = LinkPlan { fixed: None, prefix: "eth".into() };
        for (used, wanted) in [(vec![], "eth0"), (vec!["eth0"], "eth1"), (vec!["eth1"], "eth0"), (vec!["net0"], "eth0")]
        {
            assert_eq!(choose(&plan, &names(&used)).unwrap().as_str(), wanted);
        }
    }

    #[test]
    fn a_fixed_name_in_use_is_refused() {
        let plan = LinkPlan { fixed: Some("wan".parse().unwrap()), prefix: "eth".into() };
        assert_eq!(choose(&plan, &names(&["eth0"])).unwrap().as_str(), "wan");
        assert!(matches!(choose(&plan, &names(&["wan"])), Err(Error::InterfaceTaken(_))));
    }
}
