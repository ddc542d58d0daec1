// A library with nothing in it: see under_valgrind.in.
