"""Turn script text into words, phones and their times in a recording. numpy only.

* ``normalise``: a script line as spoken words: numbers, money, dates, abbreviations.
* ``numbers``: English numbers in words.
* ``dictionary``: pronunciations of 126,000 English words (CMUdict), found without loading the file.
* ``spelling``: phones of words that no dictionary has, from their letters.
* ``letter_sounds``, ``languages``: nine more languages by rules from letters to phones.
* ``ipa``: phones of the International Phonetic Alphabet.
* ``pronounce``: phones of every word of a text, from the user's dictionary, ours, or the spelling.
* ``graph``, ``align``: the network of a script's phones, and the search for its best path.
* ``decode``: the phones of a clip without a script, under a phone bigram.
* ``formats``: script files, TextGrids and subtitles.
* ``corrections``: words, phones and closures that a user corrected.
* ``recognition``: words and phones of a clip, with or without a script.
* ``given_timing``: words and phones whose times a TextGrid gives.
* ``script``: a script against a clip: words with times, doubtful words, the share that was spoken.
* ``track``: words and phones of a clip, as they travel with the curves.
"""
