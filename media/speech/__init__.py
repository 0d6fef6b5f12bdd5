"""Speech out: values as words, words as recorded files or synthesised speech. See docs/speech.md."""
