"""The report of a study: one comparison of its records, rendered as tables, figures and a page.

``evidence`` is what goes in, ``comparison`` what is found of it, ``write`` makes the files.
"""
