# What packages use of the CMake of ESP-IDF and of Zephyr, as functions of our own: a component or a module becomes a
# library of this computer. Wrong words, paths and quotes in a package end the configuration, as they do there.
function(idf_component_register)
  cmake_parse_arguments(PARSE_ARGV 0 told "" "" "SRCS;INCLUDE_DIRS")
  if(told_UNPARSED_ARGUMENTS OR told_KEYWORDS_MISSING_VALUES)
    message(FATAL_ERROR "${told_UNPARSED_ARGUMENTS} ${told_KEYWORDS_MISSING_VALUES}")
  endif()
  add_library(component STATIC ${told_SRCS})
  target_include_directories(component PUBLIC ${told_INCLUDE_DIRS})
  set(COMPONENT_LIB component PARENT_SCOPE)
endfunction()

macro(zephyr_library_named name)
  set(ZEPHYR_CURRENT_LIBRARY ${name})
  add_library(${name} STATIC)
  target_include_directories(${name} PUBLIC ${zephyr_includes})
  add_library(component ALIAS ${name})
endmacro()

macro(zephyr_include_directories)
  foreach(folder ${ARGN})
    list(APPEND zephyr_includes "${CMAKE_CURRENT_SOURCE_DIR}/${folder}")
  endforeach()
endmacro()

macro(zephyr_library_sources)
  target_sources(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endmacro()

macro(zephyr_library_compile_options)
  target_compile_options(${ZEPHYR_CURRENT_LIBRARY} PRIVATE ${ARGN})
endmacro()
