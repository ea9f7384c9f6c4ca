//! The command line of antevox.

use std::process::ExitCode;

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
    Models(commands::models::Models),
    Demo(commands::demo::Demo),
}

fn main() -> ExitCode {
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
        Command::Models(command) => command.run(),
        Command::Demo(command) => command.run(),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("antevox: {error}");
            ExitCode::FAILURE
        }
    }
}
