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
{% if resizes %}
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
        take(count)
        sample.copyInto(values, 0, 0, count)
        return apply(count, false{{ size_arguments }})
    }

    /** Prepare a sample of bytes, 0 to 255. Whether the prepared values are whole numbers of an integer type. */
    fun prepare(sample: ByteArray{{ size_parameters }}): Boolean {
        val count = {{ count_check }}
        take(count)
        for (i in 0 until count) {
            values[i] = (sample[i].toInt() and 0xff).toFloat()
        }
        return apply(count, true{{ size_arguments }})
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
        if (pixels.size < width * height) {
            pixels = IntArray(width * height)
        }
        plain.getPixels(pixels, 0, width, 0, 0, width, height)
        if (plain !== image) {
            plain.recycle()
        }
        val count = width * height * {{ raw.shape[2] }}
        take(count)
        var opaque = -1
        for (i in 0 until width * height) {
            opaque = opaque and pixels[i]
            put(i, (pixels[i] shr 16) and 0xff, (pixels[i] shr 8) and 0xff, pixels[i] and 0xff)
        }
        require(opaque ushr 24 == 0xff) {
            "An image has no transparent pixels: draw it onto a background first. Received: a bitmap with alpha"
        }
        return apply(count, true{{ image_arguments }})
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
        val count = width * height * {{ raw.shape[2] }}
        take(count)
        for (y in 0 until height) {
            for (x in 0 until width) {
                val fromX = when (rotation) { 0 -> x; 90 -> y; 180 -> frameWidth - 1 - x; else -> frameWidth - 1 - y }
                val fromY = when (rotation) { 0 -> y; 90 -> frameHeight - 1 - x; 180 -> frameHeight - 1 - y; else -> x }
                val at = fromY * rowStride + 4 * fromX
                put(
                    y * width + x,
                    frame.get(at).toInt() and 0xff,
                    frame.get(at + 1).toInt() and 0xff,
                    frame.get(at + 2).toInt() and 0xff,
                )
            }
        }
        return apply(count, true{{ image_arguments }})
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

    private fun put(pixel: Int, red: Int, green: Int, blue: Int) {
{% if raw.shape[2] == 3 %}
        values[3 * pixel] = red.toFloat()
        values[3 * pixel + 1] = green.toFloat()
        values[3 * pixel + 2] = blue.toFloat()
{% else %}
        values[pixel] = ((red * 19595 + green * 38470 + blue * 7471 + 0x8000) shr 16).toFloat()
{% endif %}
    }
{% endif %}

    private fun apply(count: Int, whole: Boolean{{ size_parameters }}): Boolean {
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
{% if resizes %}

    /** Bilinear, with half-pixel centres and no antialiasing, rows first; whole numbers are rounded to the even one. */
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
