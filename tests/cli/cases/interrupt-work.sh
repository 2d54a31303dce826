# Ctrl-C in the middle of a long computation: 130 within a second or so, no file left
python3 "$MODELS" big big.npy
python3 "$CASES/interrupt.py"
