/* What examples use of Arduino, as definitions of our own: enough to compile them for this computer and see what they say. */
#ifndef ARDUINO_H_
#define ARDUINO_H_

#include <cstdint>
#include <cstdio>

struct Console {
  void begin(unsigned long) {}
  explicit operator bool() const { return true; }
  void print(const char *text) { std::fputs(text, stdout); }
  void println(const char *text) { std::puts(text); }
  void println(int number) { std::printf("%d\n", number); }
};
static Console Serial;
inline void delay(unsigned long) {}

void setup();
void loop();
int main() {
  setup();
  loop();
  return 0;
}

#endif
