"""How texts are found: what a word is, an index of each part, and documents where there is none.

:mod:`.tokens` says what MATCH sees of a value, and :mod:`.probe` what can be asked. :mod:`.index` answers it for a
part, as :mod:`.query` asks Tantivy and :mod:`.lexicon` its dictionary; :mod:`.scan` answers it from documents.
"""
