//! Vosk's C library, loaded when it is asked for: all `unsafe` of the engine is in this file.
//!
//! The `vosk` crate links `libvosk` when it is built, and its author's releases of the library are the only ones: a build
//! would need a file that no distribution carries. The C interface is ten functions (`vosk_api.h` 0.3.45), so they are
//! looked up here instead, and a machine without the library is told so when it asks for the engine.

use std::ffi::{CStr, CString, c_char, c_float, c_int, c_short};
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::Arc;

use libloading::{Library, Symbol};

use crate::speech::asr::AsrError;

/// Opaque to us.
#[repr(C)]
struct VoskModel {
    private: [u8; 0],
}

/// Opaque to us.
#[repr(C)]
struct VoskRecognizer {
    private: [u8; 0],
}

type ModelNew = unsafe extern "C" fn(*const c_char) -> *mut VoskModel;
type ModelFree = unsafe extern "C" fn(*mut VoskModel);
type RecognizerNew = unsafe extern "C" fn(*mut VoskModel, c_float) -> *mut VoskRecognizer;
type RecognizerNewGrammar = unsafe extern "C" fn(*mut VoskModel, c_float, *const c_char) -> *mut VoskRecognizer;
type RecognizerSet = unsafe extern "C" fn(*mut VoskRecognizer, c_int);
type RecognizerAccept = unsafe extern "C" fn(*mut VoskRecognizer, *const c_short, c_int) -> c_int;
type RecognizerTell = unsafe extern "C" fn(*mut VoskRecognizer) -> *const c_char;
type RecognizerDo = unsafe extern "C" fn(*mut VoskRecognizer);
type SetLogLevel = unsafe extern "C" fn(c_int);

/// The functions, and the library that they live in.
pub(super) struct Api {
    model_new: ModelNew,
    model_free: ModelFree,
    recognizer_new: RecognizerNew,
    recognizer_new_grm: RecognizerNewGrammar,
    recognizer_set_words: RecognizerSet,
    recognizer_accept: RecognizerAccept,
    recognizer_result: RecognizerTell,
    recognizer_partial_result: RecognizerTell,
    recognizer_final_result: RecognizerTell,
    recognizer_free: RecognizerDo,
    _library: Library,
}

impl Api {
    /// Loads the library.
    pub(super) fn load(file: &Path) -> Result<Arc<Self>, AsrError> {
        let missing = || AsrError::LibraryMissing(PathBuf::from(file));
        // SAFETY: loading runs the constructors of a C++ library that has no others than those of its globals; the
        // functions have the types that `vosk_api.h` declares, and are called only while `_library` lives beside them.
        unsafe {
            let library = Library::new(file).map_err(|_| missing())?;
            macro_rules! function {
                ($name:literal) => {{
                    let symbol: Symbol<'_, _> = library.get($name).map_err(|_| missing())?;
                    *symbol
                }};
            }
            let set_log_level: SetLogLevel = function!(b"vosk_set_log_level\0");
            // Errors are told by return values; the library would write pages to stderr.
            set_log_level(-1);
            Ok(Arc::new(Self {
                model_new: function!(b"vosk_model_new\0"),
                model_free: function!(b"vosk_model_free\0"),
                recognizer_new: function!(b"vosk_recognizer_new\0"),
                recognizer_new_grm: function!(b"vosk_recognizer_new_grm\0"),
                recognizer_set_words: function!(b"vosk_recognizer_set_words\0"),
                recognizer_accept: function!(b"vosk_recognizer_accept_waveform_s\0"),
                recognizer_result: function!(b"vosk_recognizer_result\0"),
                recognizer_partial_result: function!(b"vosk_recognizer_partial_result\0"),
                recognizer_final_result: function!(b"vosk_recognizer_final_result\0"),
                recognizer_free: function!(b"vosk_recognizer_free\0"),
                _library: library,
            }))
        }
    }
}

/// A loaded model.
pub(super) struct LoadedModel {
    api: Arc<Api>,
    model: NonNull<VoskModel>,
}

// SAFETY: the library counts the users of a model atomically, and recognisers only read it.
unsafe impl Send for LoadedModel {}
// SAFETY: as above.
unsafe impl Sync for LoadedModel {}

impl LoadedModel {
    /// Loads the model in `folder`.
    pub(super) fn load(api: Arc<Api>, folder: &Path) -> Result<Self, AsrError> {
        let damaged = || AsrError::ModelFileDamaged(folder.to_owned());
        let path = folder.to_str().and_then(|path| CString::new(path).ok()).ok_or_else(damaged)?;
        // SAFETY: the path is a terminated string that outlives the call; the library answers null where it fails.
        let model = unsafe { (api.model_new)(path.as_ptr()) };
        Ok(Self { model: NonNull::new(model).ok_or_else(damaged)?, api })
    }

    /// A recogniser for sound of `hertz`, restricted to `grammar` (a JSON list of phrases) where the model allows it.
    pub(super) fn recogniser(self: &Arc<Self>, hertz: u32, grammar: Option<&str>) -> Result<Handle, AsrError> {
        let failed = AsrError::EngineFailed("make a recogniser");
        // SAFETY: the model is valid; the library takes a count of it, and copies the grammar.
        let handle = unsafe {
            match grammar {
                None => (self.api.recognizer_new)(self.model.as_ptr(), hertz as c_float),
                Some(grammar) => {
                    let grammar = CString::new(grammar).map_err(|_| failed.clone())?;
                    (self.api.recognizer_new_grm)(self.model.as_ptr(), hertz as c_float, grammar.as_ptr())
                }
            }
        };
        let handle = NonNull::new(handle).ok_or(failed)?;
        // SAFETY: just made.
        unsafe { (self.api.recognizer_set_words)(handle.as_ptr(), 1) };
        Ok(Handle { handle, model: self.clone(), fed: 0, is_open: false })
    }
}

impl Drop for LoadedModel {
    fn drop(&mut self) {
        // SAFETY: made by `vosk_model_new` and given back once.
        unsafe { (self.api.model_free)(self.model.as_ptr()) };
    }
}

/// A recogniser of the library.
pub(super) struct Handle {
    handle: NonNull<VoskRecognizer>,
    model: Arc<LoadedModel>,
    /// Samples taken in its life.
    fed: u64,
    /// It was fed since its last final result.
    is_open: bool,
}

// SAFETY: a recogniser has no ties to the thread that made it; `&mut self` keeps it to one at a time.
unsafe impl Send for Handle {}

impl Handle {
    /// Samples that it has taken in its life.
    pub(super) fn fed(&self) -> u64 {
        self.fed
    }

    /// Takes sound; answers whether the library holds its own idea of a segment for ended.
    pub(super) fn accept(&mut self, pcm: &[i16]) -> Result<bool, AsrError> {
        // SAFETY: the pointer and the count belong to `pcm`, which the library copies.
        let told =
            unsafe { (self.model.api.recognizer_accept)(self.handle.as_ptr(), pcm.as_ptr(), pcm.len() as c_int) };
        self.fed += pcm.len() as u64;
        self.is_open = true;
        if told < 0 { Err(AsrError::EngineFailed("search")) } else { Ok(told > 0) }
    }

    /// JSON: the segment that has ended.
    pub(super) fn result(&mut self) -> String {
        self.tell(self.model.api.recognizer_result)
    }

    /// JSON: the text of the segment so far.
    pub(super) fn partial(&mut self) -> String {
        self.tell(self.model.api.recognizer_partial_result)
    }

    /// JSON: the last segment.
    pub(super) fn final_result(&mut self) -> String {
        self.is_open = false;
        self.tell(self.model.api.recognizer_final_result)
    }

    /// Forgets what it was fed since the last [`final_result`](Self::final_result). The library's own `reset` keeps sound that
    /// it has not looked at yet, and hears it in the next utterance.
    pub(super) fn forget(&mut self) {
        if self.is_open {
            self.final_result();
        }
    }

    fn tell(&self, function: RecognizerTell) -> String {
        // SAFETY: the pointer is valid as long as `self`; the string lives until the next call and is copied here.
        unsafe {
            let text = function(self.handle.as_ptr());
            if text.is_null() { String::new() } else { CStr::from_ptr(text).to_string_lossy().into_owned() }
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: made by `vosk_recognizer_new` and freed once; the model outlives it.
        unsafe { (self.model.api.recognizer_free)(self.handle.as_ptr()) };
    }
}
