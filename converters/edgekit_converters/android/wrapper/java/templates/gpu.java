// Made by EdgeKit {{ c.version }}. Do not edit.
package {{ c.package }};

import org.tensorflow.lite.Delegate;
import org.tensorflow.lite.gpu.CompatibilityList;
import org.tensorflow.lite.gpu.GpuDelegate;

/** The GPU, where this device has one that TFLite knows. A class of its own: it loads where a GPU is asked for alone. */
final class {{ c.name }}Gpu {
  private {{ c.name }}Gpu() {}

  /** A delegate, which belongs to the thread that asks; null where there is no such GPU. */
  static Delegate delegate() {
    CompatibilityList devices = new CompatibilityList();
    try {
      return devices.isDelegateSupportedOnThisDevice() ? new GpuDelegate(devices.getBestOptionsForThisDevice()) : null;
    } finally {
      devices.close();
    }
  }

  static void close(Delegate delegate) {
    ((GpuDelegate) delegate).close();
  }
}
