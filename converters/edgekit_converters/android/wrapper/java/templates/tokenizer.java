
  private static final Charset UTF_8 = Charset.forName("UTF-8");
  private static final Map<String, Integer> WORDS = words();

  private static Map<String, Integer> words() {
    StringBuilder all = new StringBuilder();
{% for chunk in vocabulary %}
    all.append({{ chunk }});
{% endfor %}
    String[] names = all.toString().split("\n", -1);
    Map<String, Integer> words = new HashMap<>(2 * names.length);
    for (int i = 0; i < names.length; i++) {
      words.put(names[i], i + {{ first }});
    }
    return words;
  }

  /** A text to word indices: 0 pads, 1 is unknown. Words are cut as in training, byte by byte. Whether they are whole. */
  boolean prepare(String text) {
    byte[] bytes = text.getBytes(UTF_8);
    for (int i = 0; i < bytes.length; i++) {
      if (bytes[i] >= 'A' && bytes[i] <= 'Z') {
        bytes[i] += 'a' - 'A';
      }
    }
    if (values.length < {{ length }}) {
      values = new float[{{ length }}];
    }
    int last = Math.min(bytes.length, {{ most_bytes }}); // as long as sentences in training
    while (last < bytes.length && (bytes[last] & 0xc0) == 0x80) {
      last--;
    }
    int count = 0;
    int at = 0;
    while (at < last && count < {{ length }}) {
      int end = at;
      if (inWord(bytes[at])) {
        end = wordEnd(bytes, at, last);
      } else if (bytes[at] >= '!' && bytes[at] <= '~') {
        end = at + 1;
      }
      if (end == at) {
        at++;
        continue;
      }
      Integer index = WORDS.get(new String(bytes, at, end - at, UTF_8));
      values[count++] = index == null ? {{ unknown }} : index;
      at = end;
    }
    while (count < {{ length }}) {
      values[count++] = {{ padding }};
    }
    return apply({{ length }}, true);
  }

  /** The end of the word that starts here, with apostrophes inside at most. */
  private static int wordEnd(byte[] bytes, int start, int last) {
    int end = start;
    while (end < last && inWord(bytes[end])) {
      end++;
      if (end + 1 < last && bytes[end] == '\'' && inWord(bytes[end + 1])) {
        end++;
      }
    }
    return end;
  }

  private static boolean inWord(byte value) {
    return value < 0 || value >= 'a' && value <= 'z' || value >= '0' && value <= '9';
  }
