//! `antevox chat`: hold the dialog in text, on a terminal.

use std::io::{self, BufRead, Write};
use std::path::PathBuf;
use std::sync::Arc;

use jiff::Zoned;

use super::sentences::Sentences;
use super::{Outcome, callers};
use crate::call::Hotline;
use crate::dialog::{Dialog, DialogInput, Listen, Next, Question, Reply};
use crate::nlu::Heard;
use crate::server::hotline;
use crate::units::Pii;

/// Hold the dialog in text, on a terminal.
///
/// Type what you would say. An empty line is silence, `#` and keys are key presses, end of input hangs up.
#[derive(Debug, clap::Args)]
pub struct Chat {
    /// The dialplan's folder
    #[arg(long)]
    dialplan: PathBuf,
    /// More examples: text, tab, scene
    #[arg(long)]
    corpus: Vec<PathBuf>,
    #[command(flatten)]
    sentences: Sentences,
    /// The number that calls
    #[arg(long)]
    from: Option<String>,
    /// Folder of the store with members and orders
    #[arg(long)]
    data: Option<PathBuf>,
    /// Chooses among variants of prompts
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Chat {
    /// Carries the command out.
    ///
    /// # Errors
    /// One line that names what is wrong, where, and the remedy.
    pub fn run(self) -> Outcome {
        let hotline = hotline::prepare(&self.dialplan, &self.corpus, None, self.sentences.open()?.as_ref())?.hotline;
        let callers = callers::Callers::open(self.data.as_deref())?;
        let now = Zoned::now().datetime();
        let identified = callers.identify(self.from.as_deref().unwrap_or_default(), now)?;
        let phone = Pii(self.from.clone().unwrap_or_default());
        let dialog = Dialog::new(hotline.plan.clone(), self.seed, now).calling(phone);
        let mut chat = Talk { dialog, hotline, callers, now };
        let reply = chat.dialog.handle(DialogInput::Started(Box::new(identified)));
        chat.hold(reply)
    }
}

/// One conversation on a terminal.
struct Talk {
    dialog: Dialog,
    hotline: Arc<Hotline>,
    callers: callers::Callers,
    now: jiff::civil::DateTime,
}

impl Talk {
    fn hold(&mut self, mut reply: Reply) -> Outcome {
        let mut lines = io::stdin().lock().lines();
        loop {
            if !reply.prompt.text.is_empty() {
                println!("hotline: {}", reply.prompt.text);
            }
            if let Some(followed) = self.act(&mut reply) {
                reply = followed;
                continue;
            }
            if let Some(number) = reply.look_up.take() {
                let identified = self.callers.identify_stated(&number.0, self.now)?;
                reply = self.dialog.handle(DialogInput::MemberFound(Box::new(identified)));
                continue;
            }
            let listen = match reply.next {
                Next::Listen(listen) => listen,
                Next::HangUp => return self.end("the hotline hangs up"),
                Next::Transfer(transfer) => {
                    return self.end(&format!("to {} ({}): {}", transfer.queue, transfer.reason, transfer.summary));
                }
            };
            print!("you:     ");
            io::stdout().flush()?;
            let Some(line) = lines.next().transpose()? else {
                println!();
                return self.end("you hang up");
            };
            let input = self.heard(&line, &listen);
            reply = self.dialog.handle(input);
        }
    }

    /// Carries out the actions of `reply`; what the hotline says to the one that it waits for, if it waits.
    fn act(&mut self, reply: &mut Reply) -> Option<Reply> {
        let mut followed = None;
        for request in std::mem::take(&mut reply.actions) {
            let scene = request.scene.as_ref().map_or_else(String::new, |scene| format!(" for {scene}"));
            println!("       ↳ {}{scene}", request.action);
            let waits = matches!(self.dialog.question(), Some(Question::Doing(_) | Question::StillDoing(_)));
            let result = self.callers.act(&self.hotline.plan, request);
            let reply = self.dialog.handle(DialogInput::ActionEnded(result));
            followed = followed.or(waits.then_some(reply));
        }
        followed
    }

    fn heard(&self, line: &str, listen: &Listen) -> DialogInput {
        let line = line.trim();
        if line.is_empty() {
            return DialogInput::WasSilent;
        }
        if let Some(keys) = line.strip_prefix('#') {
            return DialogInput::Keyed(keys.to_owned());
        }
        let heard = Heard { text: line.to_owned(), confidence: 1.0, n_best: Vec::new() };
        DialogInput::Turned(Box::new(self.hotline.understanding.understand(&heard, &listen.expect)))
    }

    fn end(&self, how: &str) -> Outcome {
        let progress = self.dialog.progress();
        println!("({how})");
        match &progress.scene {
            Some(scene) => {
                let confirmed = if progress.confirmed { "confirmed" } else { "not confirmed" };
                println!("problem: {scene}, {confirmed}, after {} of your turns", progress.turns);
            }
            None => println!("problem: not found"),
        }
        Ok(())
    }
}
