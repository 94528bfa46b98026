# anywarp_embed_ptx(TARGET FILE.ptx VARIABLE): a header FILE_ptx.h with the text as `constexpr char VARIABLE[]`, seen by TARGET.
function(anywarp_embed_ptx target file variable)
  get_filename_component(base ${file} NAME_WE)
  set(header ${CMAKE_CURRENT_BINARY_DIR}/${base}_ptx.h)
  set(source ${CMAKE_CURRENT_SOURCE_DIR}/${file})
  add_custom_command(OUTPUT ${header}
    COMMAND ${CMAKE_COMMAND} -DINPUT=${source} -DOUTPUT=${header} -DVARIABLE=${variable} -P ${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake
    DEPENDS ${source} ${CMAKE_SOURCE_DIR}/cmake/embed_text.cmake VERBATIM)
  target_sources(${target} PRIVATE ${header})
  get_target_property(type ${target} TYPE)
  if(NOT type STREQUAL "UTILITY")
    target_include_directories(${target} PRIVATE ${CMAKE_CURRENT_BINARY_DIR})
  endif()
endfunction()
