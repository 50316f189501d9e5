// Made by EdgeKit {{ c.version }} from the .tflite with sha256 {{ c.sha256 }}. Do not edit.
package {{ c.package }}

{% if c.takes_images %}
import android.graphics.Bitmap
import java.nio.ByteBuffer

{% endif %}
/**
 * What {{ c.name }} does to a sample before the model sees it: {{ operations }}.
 *
 * The same operations as in training, to the last bit where they are of integers, in float32 elsewhere.
 */
internal class {{ c.name }}Preprocessing {
    /** The prepared sample; the array may be longer than it. */
    var values: FloatArray = FloatArray(0)
        private set
{% if resized %}
    private var lower: FloatArray = FloatArray(0)
    private var upper: FloatArray = FloatArray(0)
{% endif %}
{% if resizes_again %}
    private var other: FloatArray = FloatArray(0)
{% endif %}
{% if c.takes_images %}
    private var pixels: IntArray = IntArray(0)
{% endif %}
{% if raw.text %}
{{ tokenizer }}
{% else %}

    /** Prepare a sample of floats. Whether the prepared values are whole numbers of an integer type. */
    fun prepare(sample: FloatArray{{ size_parameters }}): Boolean {
        val count = {{ count_check }}
{% if resized %}
        val row = count / height
        return resize(height, width, false) { y, into, at -> sample.copyInto(into, at, y * row, (y + 1) * row) }
{% else %}
        take(count)
        sample.copyInto(values, 0, 0, count)
        return apply(count, false)
{% endif %}
    }

    /** Prepare a sample of bytes, 0 to 255. Whether the prepared values are whole numbers of an integer type. */
    fun prepare(sample: ByteArray{{ size_parameters }}): Boolean {
        val count = {{ count_check }}
{% if resized %}
        val row = count / height
        return resize(height, width, true) { y, into, at ->
            for (i in 0 until row) {
                into[at + i] = (sample[y * row + i].toInt() and 0xff).toFloat()
            }
        }
{% else %}
        take(count)
        for (i in 0 until count) {
            values[i] = (sample[i].toInt() and 0xff).toFloat()
        }
        return apply(count, true)
{% endif %}
    }
{% endif %}
{% if c.takes_images %}

    fun prepare(image: Bitmap): Boolean {
        require(!image.isRecycled) { "An image has pixels. Received: a recycled bitmap" }
        val width = image.width
        val height = image.height
        checkSize(width, height)
        require(image.config != Bitmap.Config.ALPHA_8) { "An image has colours. Received: a bitmap of ALPHA_8" }
        val plain: Bitmap? =
            if (image.config == Bitmap.Config.ARGB_8888) image else image.copy(Bitmap.Config.ARGB_8888, false)
        requireNotNull(plain) { "An image can be copied to ARGB_8888. Received: ${image.config}" }
        if (pixels.size < width) {
            pixels = IntArray(width)
        }
        try {
            checkOpaque(plain)
            return prepare(height, width) { y, into, at ->
                plain.getPixels(pixels, 0, width, 0, y, width, 1)
                for (x in 0 until width) {
                    val pixel = pixels[x]
                    val red = (pixel shr 16) and 0xff
                    put(into, at + {{ raw.shape[2] }} * x, red, (pixel shr 8) and 0xff, pixel and 0xff)
                }
            }
        } finally {
            if (plain !== image) {
                plain.recycle()
            }
        }
    }

    private fun checkOpaque(image: Bitmap) {
        if (!image.hasAlpha()) {
            return
        }
        var opaque = -1
        for (y in 0 until image.height) {
            image.getPixels(pixels, 0, image.width, 0, y, image.width, 1)
            for (x in 0 until image.width) {
                opaque = opaque and pixels[x]
            }
        }
        require(opaque ushr 24 == 0xff) {
            "An image has no transparent pixels: draw it onto a background first. Received: a bitmap with alpha"
        }
    }

    fun prepareRgba(frame: ByteBuffer, frameWidth: Int, frameHeight: Int, rowStride: Int, rotation: Int): Boolean {
        require(rotation % 90 == 0 && rotation in 0..359) {
            "A frame is turned by 0, 90, 180 or 270 degrees. Received: $rotation"
        }
        require(
            rowStride >= 4 * frameWidth && frame.capacity() >= rowStride.toLong() * (frameHeight - 1) + 4L * frameWidth,
        ) {
            "A frame of $frameWidth x $frameHeight RGBA pixels has rows of at least ${4 * frameWidth} bytes. " +
                "Received: a row stride of $rowStride in ${frame.capacity()} bytes"
        }
        val turned = rotation == 90 || rotation == 270
        val width = if (turned) frameHeight else frameWidth
        val height = if (turned) frameWidth else frameHeight
        checkSize(width, height)
        return prepare(height, width) { y, into, at ->
            for (x in 0 until width) {
                val fromX = when (rotation) { 0 -> x; 90 -> y; 180 -> frameWidth - 1 - x; else -> frameWidth - 1 - y }
                val fromY = when (rotation) { 0 -> y; 90 -> frameHeight - 1 - x; 180 -> frameHeight - 1 - y; else -> x }
                val from = fromY * rowStride + 4 * fromX
                val red = frame.get(from).toInt() and 0xff
                val green = frame.get(from + 1).toInt() and 0xff
                put(into, at + {{ raw.shape[2] }} * x, red, green, frame.get(from + 2).toInt() and 0xff)
            }
        }
    }

    /** Where rows come from: `read` puts row y into an array from a place on. */
    private inline fun prepare(height: Int, width: Int, read: (y: Int, into: FloatArray, at: Int) -> Unit): Boolean {
{% if resized %}
        return resize(height, width, true, read)
{% else %}
        val row = width * {{ raw.shape[2] }}
        take(height * row)
        for (y in 0 until height) {
            read(y, values, y * row)
        }
        return apply(height * row, true)
{% endif %}
    }

    private fun checkSize(width: Int, height: Int) {
{% if raw.count is none %}
        require(width >= 1 && height >= 1) { "An image has pixels. Received: $width x $height" }
{% else %}
        require(width == {{ raw.shape[1] }} && height == {{ raw.shape[0] }}) {
            "The model's preprocessing takes images of {{ raw.shape[1] }} x {{ raw.shape[0] }} pixels. Received: $width x $height"
        }
{% endif %}
    }

    private fun put(into: FloatArray, at: Int, red: Int, green: Int, blue: Int) {
{% if raw.shape[2] == 3 %}
        into[at] = red.toFloat()
        into[at + 1] = green.toFloat()
        into[at + 2] = blue.toFloat()
{% else %}
        into[at] = ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) shr 16).toFloat()
{% endif %}
    }
{% endif %}

    private fun apply(count: Int, whole: Boolean{{ ', height: Int, width: Int' if resizes_again else '' }}): Boolean {
{% for line in body %}
        {{ line }}
{% endfor %}
    }
{% if not raw.text %}

{% if raw.count is none %}
    private fun checked(length: Int, height: Int, width: Int, channels: Int): Int {
        require(height >= 1 && width >= 1 && length.toLong() == height.toLong() * width * channels) {
            "A sample has height x width x $channels values. Received: $length for $height x $width"
        }
        return length
    }
{% else %}
    private fun checked(length: Int, count: Int): Int {
        require(length == count) { "A sample has $count values. Received: $length" }
        return length
    }
{% endif %}

    private fun take(count: Int) {
        if (values.size < count) {
            values = FloatArray(count)
        }
    }
{% endif %}
{% if resized %}
{% set channels = resized[2] %}

    /**
     * Bilinear, with half-pixel centres and no antialiasing, rows first; whole numbers are rounded to the even one.
     *
     * Of a sample, which may be a photo, two rows are held at a time.
     */
    private inline fun resize(
        height: Int,
        width: Int,
        bytes: Boolean,
        read: (y: Int, into: FloatArray, at: Int) -> Unit,
    ): Boolean {
        val row = width * {{ [raw.shape[2], channels] | max }}
        if (lower.size < row) {
            lower = FloatArray(row)
            upper = FloatArray(row)
        }
        take({{ resized[0] * resized[1] * channels }})
        var whole = bytes
        var lowerRow = -1
        var upperRow = -1
        for (y in 0 until {{ resized[0] }}) {
            val centre = (y + 0.5) * height / {{ resized[0] }} - 0.5
            val low = Math.floor(centre)
            val first = maxOf(low.toInt(), 0)
            val second = minOf(low.toInt() + 1, height - 1)
            if (first == upperRow) {
                val swapped = lower
                lower = upper
                upper = swapped
                upperRow = lowerRow
                lowerRow = first
            }
            if (first != lowerRow) {
                read(first, lower, 0)
                whole = before(lower, width * {{ raw.shape[2] }}, bytes)
                lowerRow = first
            }
            if (second != upperRow) {
                read(second, upper, 0)
                whole = before(upper, width * {{ raw.shape[2] }}, bytes)
                upperRow = second
            }
            if (height == {{ resized[0] }} && width == {{ resized[1] }}) {
                lower.copyInto(values, y * width * {{ channels }}, 0, width * {{ channels }})
            } else {
                interpolate(y, (centre - low).toFloat(), width, whole)
            }
        }
        return apply({{ resized[0] * resized[1] * channels }}, whole{{ ", %d, %d" % (resized[0], resized[1]) if resizes_again else "" }})
    }

    private fun interpolate(y: Int, between: Float, width: Int, whole: Boolean) {
        var to = y * {{ resized[1] * channels }}
        for (x in 0 until {{ resized[1] }}) {
            val centre = (x + 0.5) * width / {{ resized[1] }} - 0.5
            val low = Math.floor(centre)
            val weight = (centre - low).toFloat()
            val right = minOf(low.toInt() + 1, width - 1) * {{ channels }}
            val left = maxOf(low.toInt(), 0) * {{ channels }}
            for (c in 0 until {{ channels }}) {
                val one = lower[left + c] * (1f - between) + upper[left + c] * between
                val next = lower[right + c] * (1f - between) + upper[right + c] * between
                val value = one * (1f - weight) + next * weight
                values[to] = if (whole) Math.rint(value.toDouble()).toFloat() else value
                to++
            }
        }
    }

    /** What is done to a row before the size changes. */
    private fun before(values: FloatArray, count: Int, whole: Boolean): Boolean {
{% for line in before %}
        {{ line }}
{% endfor %}
    }
{% endif %}
{% if resizes_again %}

    /** What a resize before this one has made, in the same way. */
    private fun resize(height: Int, width: Int, channels: Int, toHeight: Int, toWidth: Int, whole: Boolean) {
        if (height == toHeight && width == toWidth) {
            return
        }
        if (other.size < toHeight * width * channels) {
            other = FloatArray(toHeight * width * channels)
        }
        val row = width * channels
        for (y in 0 until toHeight) {
            val centre = (y + 0.5) * height / toHeight - 0.5
            val low = Math.floor(centre)
            val weight = (centre - low).toFloat()
            val upper = minOf(low.toInt() + 1, height - 1) * row
            val lower = maxOf(low.toInt(), 0) * row
            for (i in 0 until row) {
                other[y * row + i] = values[lower + i] * (1f - weight) + values[upper + i] * weight
            }
        }
        take(toHeight * toWidth * channels)
        for (x in 0 until toWidth) {
            val centre = (x + 0.5) * width / toWidth - 0.5
            val low = Math.floor(centre)
            val weight = (centre - low).toFloat()
            val upper = minOf(low.toInt() + 1, width - 1) * channels
            val lower = maxOf(low.toInt(), 0) * channels
            for (y in 0 until toHeight) {
                val from = y * row
                val to = (y * toWidth + x) * channels
                for (c in 0 until channels) {
                    val value = other[from + lower + c] * (1f - weight) + other[from + upper + c] * weight
                    values[to + c] = if (whole) Math.rint(value.toDouble()).toFloat() else value
                }
            }
        }
    }
{% endif %}
}
