//! What a container sees of the machine, and what it cannot.

use crate::place::Place;
use pontoon_runtime::{Access, Error, Mount, MountSource, Propagation, Rlimit, Runtime, Seccomp};

#[test]
fn it_has_its_own_names_user_environment_and_folder() {
    let Some(place) = Place::new() else { return };
    let mut plan = place.plan("id -u; id -G; hostname; env | grep -c PATH; echo $HOME; pwd; echo $$");
    plan.process.user = "ann".into();
    plan.process.groups = vec!["7".into()];
    plan.process.cwd = "/deep/er".into();
    plan.hostname = "barker".into();
    assert_eq!(place.output(&plan), (0, "1000\n100 7 29\nbarker\n1\n/home/ann\n/deep/er\n1".into()));
}

#[test]
fn it_has_dockers_rights_and_no_more() {
    let Some(place) = Place::new() else { return };
    let line = "grep -E 'CapBnd|CapEff|NoNewPrivs|^Seccomp:' /proc/self/status; cat /proc/timer_list | wc -c; \
                touch /proc/sys/kernel/x 2>&1; touch /sys/x 2>&1; unshare -m true 2>&1";
    let (_, log) = place.output(&place.plan(line));
    assert!(log.contains("CapEff:\t00000000a80425fb"), "{log}");
    assert!(log.contains("CapBnd:\t00000000a80425fb"), "{log}");
    assert!(log.contains("Seccomp:\t2"), "{log}");
    assert!(log.contains("\n0\n"), "masked: {log}");
    assert!(log.contains("/sys/x: Read-only file system"), "{log}");
    assert!(log.contains("unshare(0x20000): Operation not permitted"), "{log}");

    let mut plan = place.plan(line);
    plan.security.privileged = true;
    let (_, log) = place.output(&plan);
    assert!(!log.contains("a80425fb") && log.contains("Seccomp:\t0") && !log.contains("unshare("), "{log}");

    let mut plan = place.plan("grep -E 'CapEff|NoNewPrivs' /proc/self/status; chmod 700 /tmp 2>&1; echo $?");
    plan.security.cap_drop = vec!["ALL".into()];
    plan.security.cap_add = vec!["NET_ADMIN".into()];
    plan.security.no_new_privileges = true;
    plan.security.seccomp = Seccomp::Profile(
        r#"{"defaultAction":"SCMP_ACT_ALLOW","syscalls":[{"name":"chmod","action":"SCMP_ACT_ERRNO"},
            {"name":"fchmodat","action":"SCMP_ACT_ERRNO"}]}"#
            .into(),
    );
    let (_, log) = place.output(&plan);
    assert!(log.contains("CapEff:\t0000000000001000") && log.contains("NoNewPrivs:\t1"), "{log}");
    assert!(log.contains("Operation not permitted") && log.ends_with('1'), "{log}");
}

#[test]
fn a_filter_that_was_compiled_before_is_the_same() {
    let Some(place) = Place::new() else { return };
    let line = "grep ^Seccomp: /proc/self/status; unshare -m true 2>&1; chmod 700 /tmp && echo fine";
    let first = place.output(&place.plan(line));
    assert_eq!(place.output(&place.plan(line)), first);
    assert!(first.1.starts_with("Seccomp:\t2") && first.1.contains("not permitted") && first.1.ends_with("fine"));
    // Another list is another filter.
    let mut plan = place.plan(line);
    plan.security.cap_add = vec!["SYS_ADMIN".into()];
    let (_, log) = place.output(&plan);
    assert!(log.starts_with("Seccomp:\t2") && !log.contains("not permitted"), "{log}");
}

#[test]
fn mounts_limits_and_settings_are_as_asked() {
    let Some(place) = Place::new() else { return };
    let shared = place.path().join("shared");
    std::fs::create_dir(&shared).unwrap();
    std::fs::write(shared.join("file"), "of the host\n").unwrap();
    // What is mounted below a read-only mount is read-only, too, unless asked otherwise.
    std::fs::create_dir(shared.join("below")).unwrap();
    let flags = nix::mount::MsFlags::empty();
    nix::mount::mount(Some("none"), &shared.join("below"), Some("tmpfs"), flags, None::<&str>).unwrap();
    let bind = |target: &str, access| Mount {
        target: target.into(),
        access,
        source: MountSource::Bind { path: shared.clone(), propagation: Propagation::default(), recursive: true },
    };
    let line = "cat /ro/file; touch /ro/x /ro/below/x /top/x /top/below/x 2>&1; echo new > /rw/made; touch /x 2>&1; grep ' /mem ' /proc/mounts; \
                ulimit -n; cat /proc/sys/kernel/shm_rmid_forced; grep ' /dev/shm ' /proc/mounts; cat /proc/1/oom_score_adj";
    let mut plan = place.plan(line);
    plan.mounts = vec![
        bind("/ro", Access::ReadOnly),
        bind("/top", Access::ReadOnlyOnTop),
        bind("/rw", Access::Writable),
        Mount {
            target: "/mem".into(),
            access: Access::Writable,
            source: MountSource::Tmpfs { options: vec!["size=1m".into(), "exec".into()] },
        },
    ];
    // Their places in the root must be there when it is read-only.
    for folder in ["ro", "top", "rw", "mem"] {
        std::fs::create_dir(place.rootfs().join(folder)).unwrap();
    }
    plan.read_only_rootfs = true;
    plan.process.rlimits = vec![Rlimit { name: "nofile".into(), soft: 77, hard: 99 }];
    plan.sysctls.insert("kernel.shm_rmid_forced".into(), "1".into());
    plan.shm_size = 1 << 20;
    plan.oom_score_adj = Some(123);
    let (code, log) = place.output(&plan);
    assert_eq!(code, 0, "{log}");
    assert!(log.contains("of the host"), "{log}");
    for refused in ["/ro/x", "/ro/below/x", "/top/x"] {
        assert!(log.contains(&format!("{refused}: Read-only file system")), "{log}");
    }
    assert!(!log.contains("/top/below/x") && shared.join("below/x").exists(), "{log}");
    assert!(log.contains("/x: Read-only file system") && log.contains("\n77\n1\n"), "{log}");
    assert!(log.contains("tmpfs /mem tmpfs rw,nosuid,nodev,") && log.contains("size=1024k"), "{log}");
    assert!(log.contains("shm /dev/shm tmpfs rw,nosuid,nodev,noexec"), "{log}");
    assert!(log.ends_with("123"), "{log}");
    assert_eq!(std::fs::read_to_string(shared.join("made")).unwrap(), "new\n");
}

#[test]
fn an_init_is_put_before_it() {
    let Some(place) = Place::new() else { return };
    let mut plan = place.plan("cat /proc/1/cmdline; echo; echo $$");
    plan.init = true;
    let (code, log) = place.output(&plan);
    assert!(code == 0 && log.starts_with("/sbin/docker-init\0--\0sh") && !log.ends_with("\n1"), "{log}");
}

#[test]
fn what_cannot_run_is_an_error_with_dockers_exit_code_and_leaves_nothing() {
    let Some(place) = Place::new() else { return };
    let refused = |args: &[&str]| {
        let plan = place.plan_of(args);
        let error = place.runtime.create(&plan).and_then(|_| place.runtime.start(&plan.id)).unwrap_err();
        place.runtime.delete(&plan.id).unwrap();
        place.nothing_left_of(&plan.id);
        (error.exit_code(), error.to_string())
    };
    let (code, text) = refused(&["nosuch"]);
    assert_eq!(code, 127, "{text}");
    assert!(text.contains("exec: \"nosuch\": executable file not found in $PATH"), "{text}");
    assert!(
        text.starts_with(
            "failed to create task for container: failed to create shim task: OCI runtime create failed: "
        )
    );
    assert_eq!(refused(&["/nosuch"]).0, 127);
    let (code, text) = refused(&["/etc/passwd"]);
    assert!(code == 126 && text.contains("permission denied"), "{code} {text}");
    let (code, text) = refused(&["/etc"]);
    assert!(code == 126, "{code} {text}");

    let mut plan = place.plan("true");
    plan.process.user = "nosuch".into();
    let error = place.runtime.create(&plan).unwrap_err();
    assert_eq!(error.to_string(), "unable to find user nosuch: no matching entries in passwd file");
    place.nothing_left_of(&plan.id);

    let mut plan = place.plan("true");
    plan.mounts = vec![Mount {
        target: "/etc/passwd".into(),
        access: Access::Writable,
        source: MountSource::Bind { path: "/tmp".into(), propagation: Propagation::default(), recursive: true },
    }];
    let error = place.runtime.create(&plan).unwrap_err();
    assert!(error.exit_code() == 127 && error.to_string().contains("Are you trying to mount a directory"), "{error}");
    place.nothing_left_of(&plan.id);

    let mut plan = place.plan("true");
    plan.runtime = Some("nosuch".into());
    assert!(matches!(place.runtime.create(&plan), Err(Error::UnknownRuntime { .. })));
}
