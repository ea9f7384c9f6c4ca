//! What `transcribe` reads: sound, references, example sentences.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use super::{Failure, cannot_read};
use crate::audio::resample::Upsampler;
use crate::server::dialplan_files;
use crate::server::store::Store;
use crate::units::SampleRate;

/// What is said in each file.
pub(super) struct References(HashMap<String, String>);

impl References {
    /// What is said in `path`: the list may name it by any tail of its path.
    pub(super) fn of(&self, path: &Path) -> Option<&str> {
        let whole = path.to_str()?;
        let tails = std::iter::once(whole).chain(whole.match_indices('/').map(|(at, _)| &whole[at + 1..]));
        tails.filter_map(|tail| self.0.get(tail)).next().map(String::as_str)
    }
}

/// Reads `file<TAB>text`; a first line that says just that is passed over, as are files without a text.
pub(super) fn references(path: &Path) -> Result<References, String> {
    let text = fs::read_to_string(path).map_err(|error| cannot_read(path, error))?;
    let mut references = HashMap::new();
    for (i, line) in text.lines().enumerate() {
        let mut columns = line.split('\t');
        match (columns.next(), columns.next()) {
            (Some("file"), Some("text")) if i == 0 => {}
            (Some(_), Some("")) => {}
            (Some(file), Some(said)) => {
                references.insert(file.to_owned(), said.to_owned());
            }
            _ if line.trim().is_empty() => {}
            _ => return Err(cannot_read(path, format_args!("line {}: expected `file<TAB>text`", i + 1))),
        }
    }
    Ok(References(references))
}

/// Reads the sentences of a corpus, `text<TAB>scene` a line.
pub(super) fn corpus(path: &Path) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(path).map_err(|error| cannot_read(path, error))?;
    let sentences = text.lines().filter_map(|line| line.split('\t').next()).filter(|text| !text.trim().is_empty());
    Ok(sentences.map(str::to_owned).collect())
}

/// All example sentences of a dialplan folder, and the names of its scenes.
pub(super) fn dialplan_examples(folder: &Path) -> Result<Vec<String>, String> {
    let (plan, _) = dialplan_files::load(folder).map_err(|mistakes| mistakes.to_string())?;
    Ok(plan.sentences())
}

/// The names that a server with the store in `folder` expects.
pub(super) fn products(folder: &Path) -> Result<Vec<String>, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(async { Store::open_existing(folder).await?.products().await })?)
}

/// Reads a mono WAV file as sound at `rate`: sampled at that, or a telephone's recording for an engine that wants more.
pub(super) fn wav(path: &Path, rate: SampleRate) -> Result<Vec<i16>, String> {
    let mut reader = hound::WavReader::open(path).map_err(|error| cannot_read(path, error))?;
    let spec = reader.spec();
    if spec.sample_format != hound::SampleFormat::Int || spec.bits_per_sample != 16 {
        return Err(cannot_read(path, "only 16-bit WAV files can be read; convert it with `sox IN -b 16 OUT`"));
    }
    let narrow = SampleRate::NARROWBAND.hertz();
    let is_telephone = spec.sample_rate == narrow && rate == SampleRate::WIDEBAND;
    if spec.channels != 1 || (spec.sample_rate != rate.hertz() && !is_telephone) {
        let hertz = rate.hertz();
        return Err(cannot_read(
            path,
            format_args!("expected one channel at {hertz} Hz; convert it with `sox IN -r {hertz} -c 1 OUT`"),
        ));
    }
    let pcm: Vec<i16> = reader.samples::<i16>().collect::<Result<_, _>>().map_err(|error| cannot_read(path, error))?;
    if !is_telephone {
        return Ok(pcm);
    }
    let mut wide = vec![0; 2 * pcm.len()];
    Upsampler::default().process(&pcm, &mut wide);
    Ok(wide)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_found_by_the_tail_of_its_path() {
        let folder = tempfile::tempdir().unwrap();
        let list = folder.path().join("refs.tsv");
        fs::write(&list, "file\ttext\tspeaker\nfash/a.wav\tyes\tfash\nb.wav\t\t\n").unwrap();
        let references = references(&list).unwrap();
        assert_eq!(references.of(Path::new("/data/fash/a.wav")), Some("yes"));
        assert_eq!(references.of(Path::new("/data/other/a.wav")), None);
        assert_eq!(references.of(Path::new("b.wav")), None);
        fs::write(&list, "only one column\n").unwrap();
        assert!(super::references(&list).is_err_and(|error| error.contains("line 1")));
    }

    #[test]
    fn examples_come_from_all_scene_files() {
        let dialplan = Path::new(env!("CARGO_MANIFEST_DIR")).join("dialplans/hotline-en");
        let examples = dialplan_examples(&dialplan).unwrap();
        for (file, sentence) in [("account.yaml", "it's about my account"), ("card.yaml", "it's about my card")] {
            assert!(examples.iter().any(|example| example == sentence), "{file}: {sentence}");
        }
        assert!(
            examples.iter().any(|example| example == "activating a new card"),
            "the names of scenes are said as well"
        );
        assert!(dialplan_examples(&dialplan.join("scenes")).is_err());
    }

    #[test]
    fn sound_of_the_wrong_form_is_refused_with_a_remedy() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.wav");
        fs::write(&path, b"RIFF....WAVE").unwrap();
        assert!(wav(&path, SampleRate::NARROWBAND).is_err());
        let spec = hound::WavSpec {
            channels: 1,
            sample_rate: 44_100,
            bits_per_sample: 16,
            sample_format: hound::SampleFormat::Int,
        };
        hound::WavWriter::create(&path, spec).unwrap().finalize().unwrap();
        assert!(wav(&path, SampleRate::NARROWBAND).is_err_and(|error| error.contains("sox")));
    }
}
