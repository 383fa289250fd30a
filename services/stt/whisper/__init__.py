"""The recogniser on this machine that understands any English: Whisper on CTranslate2, in worker processes."""
