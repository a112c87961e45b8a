"""Read the clips, films and sounds that are measured.

* `clips`: speech of a split whose phones are known.
* `filmed`: lips of filmed talkers.
* `sounds`, `soundscapes`: audio without speech; `telephone`: speech through a telephone.
* `material`: all of it for one evaluation.
"""
