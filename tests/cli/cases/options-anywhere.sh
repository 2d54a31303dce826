# Before MODEL, between and after: the same answer
python3 "$MODELS" words w.vec
embscope similarity --csv w.vec cat dog > before
embscope similarity w.vec cat --csv dog > between
embscope similarity w.vec cat dog --csv > after
cmp before between && cmp before after && cat after
embscope neighbors w.vec cat -k2 --csv > joined
embscope neighbors w.vec cat -k 2 --csv > apart
embscope neighbors w.vec cat --count=2 --csv > long
cmp joined apart && cmp joined long && cat long
