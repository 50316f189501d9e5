// Made by EdgeKit {{ c.version }}. Do not edit.
package {{ c.package }}

import org.tensorflow.lite.Delegate
import org.tensorflow.lite.gpu.CompatibilityList
import org.tensorflow.lite.gpu.GpuDelegate

/** The GPU, where this device has one that TFLite knows. A class of its own: it loads where a GPU is asked for alone. */
internal object {{ c.name }}Gpu {
    /** A delegate, which belongs to the thread that asks; null where there is no such GPU. */
    fun delegate(): Delegate? = CompatibilityList().use {
        if (it.isDelegateSupportedOnThisDevice) GpuDelegate(it.bestOptionsForThisDevice) else null
    }

    fun close(delegate: Delegate) {
        (delegate as GpuDelegate).close()
    }
}
