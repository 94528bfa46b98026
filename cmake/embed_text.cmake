# Turns the file INPUT into a C++ header OUTPUT that holds its bytes, zero-terminated, as VARIABLE.
file(READ ${INPUT} bytes HEX)
string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${bytes}")
file(WRITE ${OUTPUT} "#pragma once\ninline constexpr unsigned char ${VARIABLE}[] = {${bytes}0};\n")
