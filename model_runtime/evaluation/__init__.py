"""Measure performances and their cost.

* `cli`: ``python -m model_runtime evaluate``.
* `suite`: one column of the table for each performer; `report`, `report_json`: the table as text
  and as JSON, and the record of test runs; `table`: columns lined up.
* `selection`: a quick score on a part of dev, to choose checkpoints by.
* `wrong_words`: a table of scripts with wrong words.
* `data`, `performers`, `metrics`, `scores`: what is measured, who performs, how, and over clips.
* `commitment_table`: the mouth that commits to a phone against the network's own.
* `speed`: ``python -m model_runtime benchmark``.
"""
