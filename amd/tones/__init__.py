"""Call progress and special information tones: what they are (data) and how they are recognised."""
