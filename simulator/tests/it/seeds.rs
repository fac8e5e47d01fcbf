use std::collections::HashSet;

use gururmm_protocol::inventory::{MachineRole, Section, Software};
use gururmm_sim::{Machine, MachineKind, SimAgent};

#[test]
fn the_same_seed_gives_the_same_agent_and_another_seed_another() {
    let (a, again, b) = (SimAgent::from_seed(7), SimAgent::from_seed(7), SimAgent::from_seed(8));
    assert_eq!(a.machine, again.machine);
    assert_eq!(a.public_key(), again.public_key());
    assert_ne!(a.machine.identity, b.machine.identity);
    assert_ne!(a.public_key(), b.public_key());
}

#[test]
fn two_thousand_machines_are_distinct_of_every_kind_and_within_bounds() {
    let machines: Vec<Machine> = (0..2_000).map(|seed| Machine::in_organization(seed, 3)).collect();
    let ids: HashSet<&str> = machines.iter().map(|machine| machine.identity.machine_id.as_str()).collect();
    assert_eq!(ids.len(), machines.len());
    let kinds: HashSet<MachineKind> = machines.iter().map(|machine| machine.kind).collect();
    assert_eq!(kinds.len(), 4);
    for machine in &machines {
        assert_eq!(machine.os.role == MachineRole::DomainController, machine.kind == MachineKind::DomainController);
        assert_eq!(machine.os.hostname, machine.identity.hostname);
        for section in machine.inventory() {
            let mut bounded = section.clone();
            bounded.bound();
            assert_eq!(bounded, section, "a server would change what this machine says");
        }
    }
}

#[test]
fn an_organization_has_one_domain_and_others_have_another() {
    let domain = |seed, flavour| Machine::in_organization(seed, flavour).os.domain;
    assert_eq!(domain(1, 0), domain(2, 0));
    assert_ne!(domain(1, 0), domain(1, 2));
}

#[test]
fn software_is_updated_with_time_and_the_same_machine_has_the_same() {
    let software = |machine: &Machine| {
        machine
            .inventory()
            .into_iter()
            .find_map(|section| if let Section::Software(list) = section { Some(list) } else { None })
    };
    let mut machine = Machine::from_seed(7);
    let before = software(&machine).unwrap();
    assert!(before.len() > 5);
    assert_eq!(software(&Machine::from_seed(7)).unwrap(), before);
    let mut rng = fastrand::Rng::with_seed(1);
    let now = chrono::DateTime::from_timestamp(1_800_000_000, 0).unwrap();
    for _ in 0..40_000 {
        machine.pass_time(now, &mut rng);
    }
    let after = software(&machine).unwrap();
    let names = |list: &[Software]| list.iter().map(|software| software.name.clone()).collect::<Vec<_>>();
    assert_eq!(names(&before), names(&after));
    assert_ne!(before, after, "some of it is newer");
}
