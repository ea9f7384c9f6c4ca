//! The command line of antevox.

use std::io;
use std::panic;
use std::process::{self, ExitCode};

use antevox::commands;
use clap::{Parser, Subcommand};

/// A telephone hotline that answers before it asks.
#[derive(Debug, Parser)]
#[command(version, propagate_version = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Serve(commands::serve::Serve),
    Call(commands::call::Call),
    Calls(commands::calls::Calls),
    Check(commands::check::Check),
    Transcribe(commands::transcribe::Transcribe),
    Speak(commands::speak::Speak),
    Nlu(commands::nlu::Nlu),
    Import(commands::import::Import),
    Identify(commands::identify::Identify),
    Chat(commands::chat::Chat),
    Simulate(commands::simulate::Simulate),
    Policy(commands::policy::Policy),
    Duplex(commands::duplex::DuplexBench),
    Media(commands::media::MediaBench),
    Models(commands::models::Models),
    Recording(commands::recording::OpenRecording),
    Demo(commands::demo::Demo),
}

/// How a program ends whose reader went away: 128 and the number of SIGPIPE, as a shell says it.
const NOBODY_READS: u8 = 141;

/// Whoever reads the output may have seen enough (`| head`): then there is nothing to say, and `println!` must not panic.
fn leave_quietly_when_nobody_reads() {
    let usual = panic::take_hook();
    panic::set_hook(Box::new(move |panicked| {
        let told = panicked.payload().downcast_ref::<String>().map_or("", String::as_str);
        if told.starts_with("failed printing to stdout") && told.contains("Broken pipe") {
            process::exit(NOBODY_READS.into());
        }
        usual(panicked);
    }));
}

fn main() -> ExitCode {
    leave_quietly_when_nobody_reads();
    let outcome = match Arguments::parse().command {
        Command::Serve(command) => command.run(),
        Command::Call(command) => command.run(),
        Command::Calls(command) => command.run(),
        Command::Check(command) => command.run(),
        Command::Transcribe(command) => command.run(),
        Command::Speak(command) => command.run(),
        Command::Nlu(command) => command.run(),
        Command::Import(command) => command.run(),
        Command::Identify(command) => command.run(),
        Command::Chat(command) => command.run(),
        Command::Simulate(command) => command.run(),
        Command::Policy(command) => command.run(),
        Command::Duplex(command) => command.run(),
        Command::Media(command) => command.run(),
        Command::Models(command) => command.run(),
        Command::Recording(command) => command.run(),
        Command::Demo(command) => command.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error)
            if error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe) =>
        {
            NOBODY_READS.into()
        }
        Err(error) => {
            eprintln!("antevox: {error}");
            ExitCode::FAILURE
        }
    }
}
