"""Letters to phones, one module a language. Standard library only.

* ``rules``: what a language consists of.
* ``cardinals``: numbers in words.
* ``german``, ``spanish``, ``italian``, ``french``, ``portuguese``, ``dutch``, ``russian``: rules of
  spelling, with their source.
* ``japanese``, ``mandarin``: kana and pinyin.
* ``espeak``: further languages by espeak-ng, where it is installed.
"""
