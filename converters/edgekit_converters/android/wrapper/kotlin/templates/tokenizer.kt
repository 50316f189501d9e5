
    /** A text to word indices: 0 pads, 1 is unknown. Words are cut as in training, byte by byte. */
    fun prepare(text: String): Boolean {
        val bytes = text.toByteArray(Charsets.UTF_8)
        for (i in bytes.indices) {
            if (bytes[i] in UPPER) {
                bytes[i] = (bytes[i] + 32).toByte()
            }
        }
        if (values.size < {{ length }}) {
            values = FloatArray({{ length }})
        }
        var last = minOf(bytes.size, {{ most_bytes }}) // as long as sentences in training
        while (last < bytes.size && (bytes[last].toInt() and 0xc0) == 0x80) {
            last--
        }
        var count = 0
        var at = 0
        while (at < last && count < {{ length }}) {
            val end = if (inWord(bytes[at])) wordEnd(bytes, at, last) else if (bytes[at] in SIGNS) at + 1 else at
            if (end == at) {
                at++
                continue
            }
            values[count++] = (WORDS[String(bytes, at, end - at, Charsets.UTF_8)] ?: {{ unknown }}).toFloat()
            at = end
        }
        while (count < {{ length }}) {
            values[count++] = {{ padding }}f
        }
        return apply({{ length }}, true)
    }

    private companion object {
        private val UPPER: IntRange = 'A'.code..'Z'.code
        private val SIGNS: IntRange = '!'.code..'~'.code
        private val WORDS: Map<String, Int> = words()

        private fun words(): Map<String, Int> {
            val all = StringBuilder()
{% for chunk in vocabulary %}
            all.append({{ chunk }})
{% endfor %}
            val words = HashMap<String, Int>()
            for ((i, word) in all.toString().split('\n').withIndex()) {
                words[word] = i + {{ first }}
            }
            return words
        }

        /** The end of the word that starts here, with apostrophes inside at most. */
        private fun wordEnd(bytes: ByteArray, start: Int, last: Int): Int {
            var end = start
            while (end < last && inWord(bytes[end])) {
                end++
                if (end + 1 < last && bytes[end] == '\''.code.toByte() && inWord(bytes[end + 1])) {
                    end++
                }
            }
            return end
        }

        private fun inWord(value: Byte): Boolean =
            value < 0 || value in 'a'.code..'z'.code || value in '0'.code..'9'.code
    }
