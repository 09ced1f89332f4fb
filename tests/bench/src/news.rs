//! What the kernel tells of changes to links, addresses, routes and rules, as its own tools print it.

use crate::error::{Error, Result};
use crate::world::command;
use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// The kernel tells of new carriers in lots of some fifty pairs a second, so a second without news means little.
const SILENCE: Duration = Duration::from_millis(2500);
/// Longer than this silence never takes.
const PATIENCE: Duration = Duration::from_secs(120);

/// `nft monitor` and `ip monitor`, listening.
pub struct News {
    listeners: Vec<(Child, PathBuf)>,
    before: Vec<usize>,
}

impl News {
    /// Begins to listen, writing into `folder`.
    pub fn listen(folder: &Path) -> Result<Self> {
        let mut news = Self { listeners: Vec::new(), before: Vec::new() };
        let tools: [(&str, &[&str]); 2] =
            [("nft", &["monitor"]), ("ip", &["-o", "monitor", "link", "address", "route", "rule"])];
        for (tool, arguments) in tools {
            let path = folder.join(format!("{tool}-monitor"));
            let file = File::create(&path).map_err(Error::system("make a file"))?;
            let child = Command::new(tool)
                .args(arguments)
                .stdin(Stdio::null())
                .stdout(file)
                .spawn()
                .map_err(Error::system(format!("start {tool} monitor")))?;
            news.listeners.push((child, path));
        }
        news.prove()?;
        Ok(news)
    }

    /// Silence means something only from somebody who hears: makes changes until both have told of one.
    fn prove(&mut self) -> Result<()> {
        let begin = Instant::now();
        while self.heard()?.iter().any(Vec::is_empty) {
            if begin.elapsed() > Duration::from_secs(5) {
                return Err(Error::Unfit("`nft monitor` or `ip monitor` hears nothing".into()));
            }
            command("nft 'add table ip canary; delete table ip canary'")?;
            command("ip link set lo mtu 65535 && ip link set lo mtu 65536")?;
            std::thread::sleep(Duration::from_millis(50));
        }
        self.before = self.lengths()?;
        Ok(())
    }

    /// Waits until nothing is told any more, and counts from there.
    pub fn until_quiet(&mut self) -> Result<()> {
        let (begin, mut since, mut last) = (Instant::now(), Instant::now(), self.lengths()?);
        while since.elapsed() < SILENCE {
            if begin.elapsed() > PATIENCE {
                return Err(Error::Unfit(format!("links and rules go on changing for {PATIENCE:?}")));
            }
            std::thread::sleep(Duration::from_millis(50));
            let now = self.lengths()?;
            if now != last {
                (since, last) = (Instant::now(), now);
            }
        }
        self.before = last;
        Ok(())
    }

    fn lengths(&self) -> Result<Vec<usize>> {
        Ok(self.heard()?.iter().map(Vec::len).collect())
    }

    /// What each has told.
    fn heard(&self) -> Result<Vec<Vec<String>>> {
        let text = |path: &PathBuf| std::fs::read_to_string(path).map_err(Error::system("read what was heard"));
        let lines = |text: String| text.lines().map(str::to_owned).collect();
        self.listeners.iter().map(|(_, path)| Ok(lines(text(path)?))).collect()
    }

    /// How many lines came since it began; some of them are shown.
    pub fn count(&self) -> Result<usize> {
        let mut news = 0;
        for (lines, before) in self.heard()?.iter().zip(&self.before) {
            let new = lines.get(*before..).unwrap_or_default();
            new.iter().take(5).for_each(|line| crate::say(&format!("  changed: {line}\n")));
            news += new.len();
        }
        Ok(news)
    }
}

impl Drop for News {
    fn drop(&mut self) {
        for (child, _) in &mut self.listeners {
            // They may have ended by themselves.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
