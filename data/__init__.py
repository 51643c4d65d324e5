"""Records: the press corpus, public sets, files of your own, and what must hold of them."""
