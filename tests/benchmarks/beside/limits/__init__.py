"""What is possible at best: spans read by hand, by a program that is made for the questions and for nothing else.

It knows which columns there will be and what they hold, that nothing is ever written again, and where everything lies.
Its SQL and its files are those of the libraries that btql stands on, so what btql takes longer is btql's own.

1. ``layout``: typed columns in Parquet for DataFusion; whole rows in an Arrow file, trace by trace, for reads by place;
   sorted ids beside it; an index of Tantivy over the words of two fields.
2. ``filling``: makes these files of the documents.
3. ``by_hand``: answers.
"""
