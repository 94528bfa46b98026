# The tests that read the tree itself: layers, documentation, and the scripts that do it.
find_package(Python3 REQUIRED COMPONENTS Interpreter)
foreach(check layers docs)
  add_test(NAME ${check} COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/scripts/check_${check}.py)
  add_test(NAME ${check}_self_test COMMAND ${Python3_EXECUTABLE} ${CMAKE_SOURCE_DIR}/scripts/check_${check}.py --self-test)
endforeach()
